package reconnect_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/reconnect"
)

const ms = time.Millisecond

var policy = reconnect.Policy{Immediate: 1, First: 100 * ms, Longest: 1500 * ms, Report: 2}

// tries runs a loop on a server that comes back at a moment, and returns when it
// tried and when it reported the outage. back is 0 for a server that stays away.
func tries(p reconnect.Policy, back time.Duration, done <-chan struct{}) (at, reported []time.Duration) {
	began := time.Now()
	for failures := 1; ; failures++ {
		if p.Reports(failures) {
			reported = append(reported, time.Since(began))
		}
		reconnect.Wait(p.Pause(failures), done)
		select {
		case <-done:
			return at, reported
		default:
		}
		at = append(at, time.Since(began))
		if back > 0 && time.Since(began) >= back {
			return at, reported
		}
	}
}

func TestPausesDoubleUpToTheLongest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		at, reported := tries(policy, 5*time.Second, nil)
		if want := []time.Duration{0, 100 * ms, 300 * ms, 700 * ms, 1500 * ms, 3000 * ms, 4500 * ms, 6000 * ms}; !slices.Equal(at, want) {
			t.Errorf("tries at %v; want %v", at, want)
		}
		if len(reported) == 0 || reported[0] != 0 || len(reported) != len(at)-1 {
			t.Errorf("reported at %v; want after every failure but the first", reported)
		}
	})
}

func TestAShortInterruptionIsNotReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		at, reported := tries(policy, 1, nil)
		if len(at) != 2 || len(reported) != 1 {
			t.Errorf("a server away for 1ns: tries at %v, reported at %v", at, reported)
		}
		at, reported = tries(reconnect.Policy{Immediate: 1, First: ms, Longest: ms, Report: 3}, 1, nil)
		if len(at) != 2 || len(reported) != 0 {
			t.Errorf("a server away for 1ns: tries at %v, reported at %v, want no report", at, reported)
		}
	})
}

func TestAPolicyWithoutImmediateTriesWaitsFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		at, _ := tries(reconnect.Policy{First: 500 * ms, Longest: 500 * ms}, time.Second, nil)
		if want := []time.Duration{500 * ms, time.Second}; !slices.Equal(at, want) {
			t.Errorf("tries at %v, want %v", at, want)
		}
	})
}

func TestAWaitEndsWithItsChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		began := time.Now()
		time.AfterFunc(2*time.Second, func() { close(end) })
		at, _ := tries(policy, 0, end)
		if took := time.Since(began); took != 2*time.Second || len(at) != 5 {
			t.Errorf("ended after %s with tries at %v; want 2s and five tries", took, at)
		}
	})
}

func TestManyFailuresDoNotOverflow(t *testing.T) {
	t.Parallel()
	if got := policy.Pause(1 << 30); got != policy.Longest {
		t.Errorf("Pause(1<<30) = %s, want %s", got, policy.Longest)
	}
}
