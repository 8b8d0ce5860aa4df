package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/stopreason"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// says is a worker that takes all jobs at once, and publishes the end of each after a time.
func says(work time.Duration, statuses ...jobqueue.Status) func(string, func([]byte)) {
	return func(id string, publish func([]byte)) {
		go func() {
			for i, status := range statuses {
				if i == len(statuses)-1 {
					time.Sleep(work)
				}
				publish(jobqueue.Update{JobID: id, Status: status}.AppendTo(nil))
			}
		}()
	}
}

// A load of a minute and a half, of which no end is heard, ends early exactly where none can
// be expected any more. Its jobs are where they were left.
func TestALoadOfWhichNoEndIsHeardEnds(t *testing.T) {
	t.Parallel()
	const load = 90 * time.Second
	for name, c := range map[string]struct {
		drain   time.Duration
		every   time.Duration
		begins  time.Duration              // when the worker starts
		do      func(string, func([]byte)) // nil without a worker
		fault   bool                       // whether the scenario has one
		stalls  []time.Duration            // when the server does, from and to in turn
		least   time.Duration              // before which the load does not end
		ended   time.Duration              // before which the load ends, 0 for not at all
		reason  string                     // why
		leg     result.Leg                 // of all jobs
		notices []string
	}{
		"no worker": {
			ended: 33 * time.Second, reason: stopreason.NoneTaken, leg: ledger.LegInQueue,
			notices: []string{"no worker took a job for "},
		},
		"no worker, and a server that stands still for a while": {
			stalls: []time.Duration{3 * time.Second, 6 * time.Second}, least: 36 * time.Second,
			ended: 42 * time.Second, reason: stopreason.NoneTaken, leg: ledger.LegInQueue,
			notices: []string{"no worker took a job for "},
		},
		"no worker, and a server that stands still twice, first for longer": {
			stalls: []time.Duration{3 * time.Second, 12 * time.Second, 22 * time.Second, 28 * time.Second}, least: 58 * time.Second,
			ended: 64 * time.Second, reason: stopreason.NoneTaken, leg: ledger.LegInQueue,
			notices: []string{"no worker took a job for "},
		},
		"no worker, and jobs may take long": {
			drain: 25 * time.Second, ended: 53 * time.Second, reason: stopreason.NoneTaken, leg: ledger.LegInQueue,
			notices: []string{"no worker took a job for "},
		},
		"nothing published": {
			do: says(0), ended: 36 * time.Second, reason: stopreason.NoneEnded, leg: ledger.LegUnfinished,
			notices: []string{"no end of a job was heard for "},
		},
		"a few messages that are not understood": {
			every: time.Second / 2, do: func(id string, publish func([]byte)) { publish([]byte(`{"id":"` + id + `","state":"ok"}`)) },
			ended: 42 * time.Second, reason: stopreason.NoneUnderstood, leg: ledger.LegNotUnderstood,
			notices: []string{"no end of a job was understood for "},
		},
		"a worker that comes late": {
			begins: 25 * time.Second, do: says(8*time.Second, jobqueue.Completed), reason: stopreason.ScheduleOver,
			notices: []string{"no worker took a job for "},
		},
		"work as long as the drain timeout": {
			drain: 50 * time.Second, do: says(45*time.Second, jobqueue.Completed), reason: stopreason.ScheduleOver,
		},
		"work longer than the drain timeout, of which the beginning is heard": {
			drain: 5 * time.Second, do: says(40*time.Second, jobqueue.Running, jobqueue.Completed), reason: stopreason.ScheduleOver,
			notices: []string{"no end of a job was heard for "},
		},
		"the same with progress": {
			drain: 5 * time.Second, do: says(40*time.Second, "progress", jobqueue.Completed), reason: stopreason.ScheduleOver,
			notices: []string{"no end of a job was heard for "},
		},
		"a fault":    {fault: true, reason: stopreason.ScheduleOver, leg: ledger.LegInQueue},
		"three jobs": {every: 30 * time.Second, reason: stopreason.ScheduleOver, leg: ledger.LegInQueue},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				q := memory.New()
				if c.do != nil {
					time.AfterFunc(c.begins, func() { worker(t, q, c.do) })
				}
				s := external()
				s.Load = scenario.Load{Rate: pace.PerSecond(100), Duration: load}
				if c.every > 0 {
					s.Load.Rate = pace.Rate{Jobs: 1, Per: c.every}
				}
				if s.DrainTimeout = 10 * time.Second; c.drain > 0 {
					s.DrainTimeout = c.drain
				}
				if c.fault {
					s.Faults = []scenario.Fault{{At: time.Second, Kind: scenario.DisconnectFault, Target: scenario.SubscribersTarget}}
				}
				var notices []string
				o := virtual()
				o.Notice = func(text, hint string) {
					if hint == "" {
						t.Errorf("%q has no remedy", text)
					}
					notices = append(notices, text)
				}
				b := jobqueue.Backend(q)
				for now := time.Now(); len(c.stalls) > 0; c.stalls = c.stalls[2:] {
					b = unanswered{b, now.Add(c.stalls[0]), now.Add(c.stalls[1])}
				}
				r := mustRun(t, s, b, o)
				time.Sleep(time.Minute) // what workers still do
				if r.Run.StopReason != c.reason || stopreason.Words(r) == "" {
					t.Errorf("stopped because %s", stopreason.Words(r))
				}
				if took := r.Run.EndedAt.Sub(r.Run.StartedAt); c.ended > 0 && (took < c.least || took > c.ended || r.Run.StoppedAtS == 0) || c.ended == 0 && took < load {
					t.Errorf("it took %s, stopped at %v s", took, r.Run.StoppedAtS)
				}
				if n := r.Ledger.LostByLeg[c.leg]; c.leg != "" && (n == 0 || n != r.Ledger.Sent || r.Validity.Verdict != result.Invalid) {
					t.Errorf("%s, %d sent, lost %v", r.Validity.Verdict, r.Ledger.Sent, r.Ledger.LostByLeg)
				}
				if c.leg == "" && r.Ledger.Notified == 0 {
					t.Error("no job ended")
				}
				if c.ended > 0 && !strings.HasPrefix(r.Validity.Reasons[0], "the run was ended at ") {
					t.Errorf("reasons %q", r.Validity.Reasons)
				}
				if len(notices) != len(c.notices) {
					t.Fatalf("notices %q, want %q", notices, c.notices)
				}
				for i, want := range c.notices {
					if !strings.HasPrefix(notices[i], want) {
						t.Errorf("notice %q, want %q", notices[i], want)
					}
				}
			})
		})
	}
}

// While nothing is heard, snapshots say so, and no more once an end is heard.
func TestASnapshotSaysThatNoEndIsHeard(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		q := memory.New()
		time.AfterFunc(10*time.Second, func() { worker(t, q, says(0, jobqueue.Completed)) })
		s, o := external(), virtual()
		s.Load = scenario.Load{Rate: pace.PerSecond(100), Duration: 20 * time.Second}
		var with []time.Duration
		o.Snapshot = func(s engine.Snapshot) {
			if strings.Contains(strings.Join(s.Trouble, "\n"), "no worker took a job") {
				with = append(with, s.Elapsed.Round(time.Second))
			}
		}
		mustRun(t, s, q, o)
		if len(with) == 0 || with[0] < 6*time.Second || with[0] > 8*time.Second || with[len(with)-1] > 11*time.Second {
			t.Errorf("said at %v, want from about 6 s to about 10 s", with)
		}
	})
}
