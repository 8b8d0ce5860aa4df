package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
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
			for _, status := range []jobqueue.Status{"STARTED", "progress"} {
				publish(jobqueue.Update{JobID: id, Status: status}.AppendTo(nil))
			}
			time.Sleep(30 * time.Millisecond)
			publish(jobqueue.Update{JobID: id, Status: jobqueue.Completed}.AppendTo(nil))
		})
		r := mustRun(t, external(), q, virtual())
		if s := r.Stages[metric.EndToEnd]; *s.MinNS != 30e6 || *s.MaxNS != 30e6 || r.Ledger.Duplicated != 0 {
			t.Errorf("end_to_end from %d to %d ns, %d duplicated; want 30 ms of each job", *s.MinNS, *s.MaxNS, r.Ledger.Duplicated)
		}
		if w := strings.Join(r.Warnings, "\n"); !strings.Contains(w, `200 updates about jobs of this run had another status than RUNNING, COMPLETED and FAILED ("STARTED", "progress")`) {
			t.Errorf("warnings %q", w)
		}
	})
}

// A hundred messages of which none ends a job, and no end before them, are enough.
func TestARunWhoseFirstUpdatesAreNotUnderstoodEndsAndQuotesOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		message, quoted, mapping string
		unreadable               int64
	}{
		"other keys":      {`{"data":{"id":"ID"},"state":"done"}`, "there is no job id at .jobId", "id=.data.id,status=.state,completed=done", 100},
		"another status":  {`{"jobId":"ID","status":"done"}`, "its status \"done\" is not RUNNING", "completed=done", 0},
		"another id":      {`{"jobId":4711,"uuid":"ID","status":"COMPLETED"}`, "not one of this run", "id=.uuid", 0},
		"Python's str":    {`{'jobId': 'ID', 'status': 'COMPLETED'}`, "json.dumps", "", 100},
		"true for an end": {`{"jobId":"ID","done":true}`, "there is no status", "status=.done,completed=true,running=false", 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := memory.New()
				worker(t, q, func(id string, publish func([]byte)) { publish([]byte(strings.ReplaceAll(c.message, "ID", id))) })
				s := external()
				s.Load.Jobs, s.Load.Duration, s.DrainTimeout = 0, time.Minute, 20*time.Second
				r := mustRun(t, s, q, virtual())
				l := r.Ledger
				if l.Sent > 110 || l.Unreadable != c.unreadable || r.Run.EndedAt.Sub(r.Run.StartedAt) > 12*time.Second {
					t.Errorf("%d sent, %d unreadable, in %s; want it to end after 100 messages", l.Sent, l.Unreadable, r.Run.EndedAt.Sub(r.Run.StartedAt))
				}
				if l.Lost != l.Sent-l.Notified+l.LostByLeg[ledger.LegUnsent] || l.LostByLeg[ledger.LegNotUnderstood] < 99 || l.LostByLeg[ledger.LegUnfinished] != 0 {
					t.Errorf("lost %d: %v", l.Lost, l.LostByLeg)
				}
				odd := r.NotUnderstood
				if odd == nil || !strings.Contains(odd.Reason, c.quoted) || odd.Mapping != c.mapping || !strings.Contains(stopreason.Words(r), odd.Message) {
					t.Errorf("quoted %+v, stopped because %s", odd, stopreason.Words(r))
				}
				if r.Validity.Verdict != result.Invalid || strings.Contains(strings.Join(r.Warnings, "\n"), "nothing about them was heard") {
					t.Errorf("%s, warnings %q", r.Validity.Verdict, r.Warnings)
				}
			})
		})
	}
}

// What a working pipeline may publish before its first end does not stop it.
func TestProgressAndRUNNINGDoNotStopARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		worker(t, q, func(id string, publish func([]byte)) {
			publish(jobqueue.Update{JobID: id, Status: jobqueue.Running}.AppendTo(nil))
			for range 150 {
				publish(jobqueue.Update{JobID: id, Status: "progress"}.AppendTo(nil))
				publish([]byte("ping"))
			}
			publish(jobqueue.Update{JobID: id, Status: "Completed"}.AppendTo(nil))
		})
		r := mustRun(t, external(), q, virtual())
		if l := r.Ledger; l.Notified != 100 || l.Lost != 0 || l.Unreadable != 15_000 || r.Validity.Verdict == result.Valid {
			t.Errorf("ledger %+v, %s", l, r.Validity.Verdict)
		}
	})
}

// Fewer than a hundred: the drain ends when as many messages came as jobs wait.
func TestFewJobsThatAreNotUnderstoodAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := memory.New()
		worker(t, q, func(id string, publish func([]byte)) { publish([]byte(`{"id":"` + id + `","state":"ok"}`)) })
		s := external()
		s.Load.Jobs, s.DrainTimeout = 20, time.Minute
		r := mustRun(t, s, q, virtual())
		if took := r.Run.EndedAt.Sub(r.Run.StartedAt); took > 10*time.Second || r.Ledger.LostByLeg[ledger.LegNotUnderstood] != 20 {
			t.Errorf("%s, lost %v", took, r.Ledger.LostByLeg)
		}
		if reasons := strings.Join(r.Validity.Reasons, "\n"); !strings.Contains(reasons, "20 messages on the channel could not be read") || !strings.Contains(reasons, "`{\"id\":") {
			t.Errorf("reasons %q", reasons)
		}
		if v, _, ok := r.Metric("unreadable"); !ok || v != 20 {
			t.Errorf("unreadable = %v, %v", v, ok)
		}
	})
}

// An external worker that publishes in its own form is understood with a mapping.
func TestAMappingReadsWhatWorkersPublish(t *testing.T) {
	t.Parallel()
	for mapping, message := range map[string]string{
		"id=.data.id,status=.state,completed=done|ok": `{"data":{"id":"ID","x":NaN},"state":"OK"}`,
		"status=.done,completed=true,running=false":   `{"jobId":"ID","done":true,"error":false}`,
		`id=."job.id",status=.code,completed=0|200`:   `{"code":200,"job.id":"ID"}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			q := memory.New()
			worker(t, q, func(id string, publish func([]byte)) { publish([]byte(strings.ReplaceAll(message, "ID", id))) })
			s := external()
			s.Update = mapping
			if r := mustRun(t, s, q, virtual()); r.Ledger.Notified != 100 || r.Ledger.Unreadable != 0 || r.NotUnderstood != nil {
				t.Errorf("%s: ledger %+v", mapping, r.Ledger)
			}
		})
	}
}

func TestAMappingIsForExternalWorkersAlone(t *testing.T) {
	t.Parallel()
	s := external()
	s.External, s.Update = false, "id=.id"
	if faults := s.WithDefaults().Validate(); len(faults) != 1 || faults[0].Field != "update" || !strings.Contains(faults[0].Message, "consumers: external") {
		t.Errorf("faults %v", faults)
	}
	s.External, s.Update = true, "ids=.id,completed=done|done,status=state"
	if faults := s.WithDefaults().Validate(); len(faults) != 3 {
		t.Errorf("faults %v, want all three", faults)
	}
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
