package validity_test

import (
	"slices"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/result"
)

// What is trouble before the end is a reason of the verdict, if nothing else happens.
func TestTroubleIsAReasonOfTheVerdict(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*run){
		"jobs sent late":           func(r *run) { r.Schedule.LateShare, r.Schedule.LateLimit = ptr(0.2), time.Millisecond },
		"subscriptions renewed":    func(r *run) { r.Connections.Resubscribed = 2 },
		"another machine's load":   func(r *run) { r.Measured.Host.Steal = ptr(0.3) },
		"the load was held back":   func(r *run) { r.Limited = "the load was held back by max_in_flight" },
		"a stage that is reversed": func(r *run) { r.Negative = 3 },
	} {
		r := good()
		r.Run.Interrupted = true
		spoil(&r)
		trouble := validity.Trouble(&r.Result, r.Measured)
		if len(trouble) != 1 {
			t.Errorf("%s: trouble is %q, want one reason", name, trouble)
		}
		judged := r.judge()
		for _, reason := range trouble {
			if !slices.Contains(judged.Reasons, reason) {
				t.Errorf("%s: %q is no reason of the verdict, which has %q", name, reason, judged.Reasons)
			}
		}
	}
}

func TestAHealthyRunAndOneThatHasJustBegunHaveNoTrouble(t *testing.T) {
	t.Parallel()
	r := good()
	r.Run.Interrupted = true
	if trouble := validity.Trouble(&r.Result, r.Measured); len(trouble) > 0 {
		t.Errorf("a healthy run has trouble: %q", trouble)
	}
	if trouble := validity.Trouble(&result.Result{}, validity.Measured{Limited: "x"}); len(trouble) > 0 {
		t.Errorf("a run without a job has trouble: %q", trouble)
	}
}
