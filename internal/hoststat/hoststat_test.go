package hoststat_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/hoststat"
)

func TestSharesAreShares(t *testing.T) {
	t.Parallel()
	before := hoststat.Take()
	deadline := time.Now().Add(50 * time.Millisecond)
	var sink []byte
	for time.Now().Before(deadline) {
		sink = append(sink[:0:0], make([]byte, 1<<16)...)
	}
	runtime.KeepAlive(sink)
	s := before.Until(hoststat.Take())
	for name, v := range map[string]*float64{"run queue": s.RunQueue, "steal": s.Steal, "pressure": s.Pressure, "busy": s.Busy, "gc": s.GC} {
		if v != nil && (*v < 0 || *v > 1.01) {
			t.Errorf("%s = %f", name, *v)
		}
	}
	if runtime.GOOS == "linux" && (s.RunQueue == nil || s.Busy == nil) {
		t.Errorf("the kernel's counters were not found: %+v", s)
	}
	if s.SchedP99 != nil && *s.SchedP99 < 0 {
		t.Errorf("scheduler latency %s", *s.SchedP99)
	}
}

func TestNothingHappensInNoTime(t *testing.T) {
	t.Parallel()
	s := hoststat.Take()
	if got := s.Until(s); got != (hoststat.Stat{}) {
		t.Errorf("in no time: %+v", got)
	}
}
