package pause_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/pause"
	"github.com/queuedyno/queuedyno/scenario"
)

func TestNoJobIsTakenFromTheBeginOfAPauseToItsEnd(t *testing.T) {
	t.Parallel()
	for _, from := range []time.Duration{0, 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			epoch := time.Now()
			p, stop := pause.Start(t.Context(), scenario.Hold{From: from, For: 3 * time.Second}, epoch)
			defer stop()
			if from > 0 {
				pops, held := p.Pops(t.Context())
				if held {
					t.Fatal("held before the pause")
				}
				<-pops.Done()
				if at := time.Since(epoch); at != from || !p.Begun(pops) {
					t.Errorf("a pop that waited ended after %s, want %s; because of the pause: %t", at, from, p.Begun(pops))
				}
			}
			if _, held := p.Pops(t.Context()); !held {
				t.Error("not held in the pause")
			}
			p.Wait(t.Context())
			pops, held := p.Pops(t.Context())
			if at := time.Since(epoch); at != from+3*time.Second || held || pops != t.Context() || p.Begun(pops) {
				t.Errorf("the pause was over after %s; held: %t", at, held)
			}
		})
	}
}

func TestWithoutAPauseNothingIsHeld(t *testing.T) {
	t.Parallel()
	p, stop := pause.Start(t.Context(), scenario.Hold{}, time.Now())
	defer stop()
	if pops, held := p.Pops(t.Context()); held || pops != t.Context() || p.Begun(pops) {
		t.Error("held without a pause")
	}
}

func TestAPauseThatIsStoppedIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, stop := pause.Start(t.Context(), scenario.Hold{For: time.Hour}, time.Now())
		began := time.Now()
		stop()
		p.Wait(t.Context())
		if time.Since(began) != 0 {
			t.Error("it lasted on")
		}
	})
}
