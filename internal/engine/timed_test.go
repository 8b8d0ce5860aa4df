package engine_test

import (
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
)

// timed makes a try whose parts are timed. If this process stood still meanwhile, which can
// bring together what was to be apart, a try that went wrong is made again, twice at most.
func timed(t *testing.T, try func() (wrong string)) {
	t.Helper()
	const short = 300 * time.Millisecond
	for n := 1; ; n++ {
		longest := standstill()
		wrong := try()
		stood := longest()
		if wrong == "" {
			return
		}
		if stood < short || n == 3 {
			t.Error(wrong)
			return
		}
		t.Logf("try %d, in which this process stood still for %s: %s", n, stood, wrong)
	}
}

// standstill watches for how long at most this process does not run, until the function that
// it returns is called.
func standstill() (longest func() time.Duration) {
	var most time.Duration
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		const every = 10 * time.Millisecond
		tick := time.NewTicker(every)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-end:
				return
			case <-tick.C:
			}
			now := time.Now()
			most, last = max(most, now.Sub(last)-every), now
		}
	}()
	return func() time.Duration {
		close(end)
		<-ended
		return most
	}
}

// at calls fn when the run has come that far. It uses a timer, since the progress of a run
// is late on a busy host.
func at(o *engine.Options, when time.Duration, fn func()) {
	o.Begin = func() { time.AfterFunc(when, fn) }
}
