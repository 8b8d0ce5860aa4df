package scenario_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// worker takes jobs one after the other and does with each what do says, until
// the test is over.
func worker(t *testing.T, q *memory.Queue, do func(id string, publish func(message []byte))) {
	t.Helper()
	c, err := q.OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			jobs, err := c.Pop(t.Context(), 1, time.Second)
			if t.Context().Err() != nil {
				return
			}
			if err != nil {
				continue
			}
			do(string(jobs[0]), func(m []byte) { _, _ = c.Publish(t.Context(), m) })
		}
	}()
}

func external() scenario.Scenario {
	return scenario.Scenario{Name: "x", Load: scenario.Load{Rate: pace.PerSecond(10), Jobs: 100}, External: true, DrainTimeout: 2 * time.Second}
}

func TestOnlyCompletedAndFailedEndAJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		worker(t, q, func(id string, publish func([]byte)) {
			for _, status := range []jobqueue.Status{"STARTED", "completed"} {
				publish(jobqueue.AppendUpdate(nil, jobqueue.Update{JobID: id, Status: status}))
			}
			time.Sleep(30 * time.Millisecond)
			publish(jobqueue.AppendUpdate(nil, jobqueue.Update{JobID: id, Status: jobqueue.Completed}))
		})
		r := mustRun(t, external(), q, virtual())
		if s := r.Stages[scenario.EndToEnd]; *s.MinNS != 30e6 || *s.MaxNS != 30e6 || r.Ledger.Duplicated != 0 {
			t.Errorf("end_to_end from %d to %d ns, %d duplicated; want 30 ms of each job", *s.MinNS, *s.MaxNS, r.Ledger.Duplicated)
		}
		if w := strings.Join(r.Warnings, "\n"); !strings.Contains(w, `200 updates about jobs of this run had another status than RUNNING, COMPLETED and FAILED ("STARTED", "completed")`) {
			t.Errorf("warnings %q", w)
		}
	})
}

func TestWorkersThatAreNotUnderstoodAreQuoted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		worker(t, q, func(id string, publish func([]byte)) { publish([]byte(`{"id":"` + id + `"}`)) })
		r := mustRun(t, external(), q, virtual())
		w := strings.Join(r.Warnings, "\n")
		if !strings.Contains(w, "100 messages on the channel, or elements of the queue, could not be read; the first message: ") || !strings.Contains(w, `{\"id\":`) {
			t.Errorf("warnings %q, want the first message", w)
		}
		if strings.Contains(w, "nothing about them was heard") {
			t.Errorf("warnings %q, although it was heard", w)
		}
	})
}

func TestAQueueThatNobodyLooksIntoIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := mustRun(t, external(), memory.New(), virtual())
		if w := strings.Join(r.Warnings, "\n"); !strings.Contains(w, "no worker took a job") {
			t.Errorf("warnings %q", w)
		}
	})
}

func TestTheWindowIsAsLongAsItWasMeantToBe(t *testing.T) {
	t.Parallel()
	for _, load := range []scenario.Load{
		{Rate: pace.PerSecond(2), Duration: 3 * time.Second},
		{Rate: pace.Rate{Jobs: 1, Per: time.Minute}, Duration: 3 * time.Second},
		{Rate: pace.PerSecond(3), Duration: 5 * time.Second, Arrivals: pace.Poisson},
		{Rate: pace.PerSecond(200), Duration: time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := mustRun(t, scenario.Scenario{Name: "x", Load: load, Seed: 5}, memory.New(), virtual())
			if w := r.Window; w.ToNS != int64(load.Duration) || r.Rates.OfferedPerS == nil || *r.Rates.OfferedPerS != float64(w.Scheduled)/load.Duration.Seconds() {
				t.Errorf("%+v: window to %s with %d jobs, offered %v", load, time.Duration(w.ToNS), w.Scheduled, *r.Rates.OfferedPerS)
			}
		})
	}
}
