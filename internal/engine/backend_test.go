package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/endpoint"
	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// backend is a user's back end in virtual time: an API, workers without bound, and a hub
// with WebSocket clients. Each of its steps takes a fixed time.
type backend struct {
	queue   *memory.Queue // nil for a black box
	tenants int           // clients belong to tenants in turn; 0 means that all hear everything
	clients int
	id      func(job int64) string // nil means a different one for each job
	refuse  func(job int64) error
	drop    func(job int64, client int) bool // a client does not hear of a job; -1 is the channel
	twice   bool                             // everything is said twice
	running bool

	// The answer takes request. The job's work begins with the request, so that a long
	// request ends after the job.
	request, work, broadcast time.Duration

	events engine.ReaderEvents
	jobs   sync.WaitGroup
}

func (b *backend) Check(context.Context) error { return nil }
func (b *backend) Close()                      { b.jobs.Wait() }

func (b *backend) Open(_ context.Context, e engine.ReaderEvents) error { b.events = e; return nil }

func (b *backend) Do(ctx context.Context, tenant string, job int64, dst []byte) ([]byte, error) {
	id := fmt.Sprint("job ", job)
	if b.id != nil {
		id = b.id(job)
	}
	if job >= 0 {
		if b.refuse != nil {
			if err := b.refuse(job); err != nil {
				return dst, err
			}
		}
		b.jobs.Go(func() { b.perform(tenant, id, job) })
		time.Sleep(b.request)
	}
	return append(dst, id...), ctx.Err()
}

func (b *backend) perform(tenant, id string, job int64) {
	if b.running {
		b.say(tenant, id, job, jobqueue.Running)
	}
	time.Sleep(b.work)
	b.say(tenant, id, job, jobqueue.Completed)
	if b.twice {
		b.say(tenant, id, job, jobqueue.Completed)
	}
}

// say publishes an update, and passes it on to the clients.
func (b *backend) say(tenant, id string, job int64, status jobqueue.Status) {
	if b.queue != nil && (b.drop == nil || !b.drop(job, -1)) {
		if c, err := b.queue.OpenConsumer(context.Background()); err == nil {
			c.Publish(context.Background(), updates.AppendOutcome(nil, tenant, []byte(id), status, nil))
			c.Close()
		}
	}
	time.Sleep(b.broadcast)
	for client := range b.clients {
		if b.tenants > 0 && b.tenantOf(job) != client%b.tenants || b.drop != nil && b.drop(job, client) {
			continue
		}
		b.events.Heard(client, time.Now(), updates.View{TenantID: []byte(tenant), JobID: []byte(id), Status: status})
	}
}

// tenantOf is the tenant of a job.
func (b *backend) tenantOf(job int64) int { return int(job) % b.tenants }

// drive drives it for ten seconds.
func (b *backend) drive(t *testing.T, s scenario.Scenario) *result.Result {
	t.Helper()
	s.Name, s.External, s.Seed = "driven", true, 1
	if s.Load.Duration == 0 {
		s.Load = scenario.Load{Rate: pace.PerSecond(100), Duration: 10 * time.Second}
	}
	s.Entry.Kind, s.Entry.HTTP.URL = scenario.EntryHTTP, "http://api.example/jobs"
	if b.clients > 0 {
		s.Exit.WebSocket.URL, s.Exit.WebSocket.Clients = "ws://api.example/ws", b.clients
	}
	o := virtual()
	o.OpenAPI = func(scenario.HTTPEntry) (engine.API, error) { return b, nil }
	o.OpenReaders = func(scenario.WebSocketExit, int) (engine.Readers, error) { return b, nil }
	var q jobqueue.Backend
	if b.queue != nil {
		q = b.queue
	}
	r, err := engine.Run(t.Context(), s, q, o)
	if err != nil {
		t.Fatal(err)
	}
	checkLaws(t, r)
	return r
}

// takes checks that every job spent exactly that much time in a stage.
func takes(t *testing.T, r *result.Result, stage metric.Stage, want time.Duration) {
	t.Helper()
	s := r.Stages[stage]
	if s == nil || s.MinNS == nil || *s.MinNS != int64(want) || *s.MaxNS != int64(want) {
		t.Errorf("stage %s: %+v, want %s for every job", stage, s, want)
	}
}

const ms = time.Millisecond

// TestADelayShowsInItsStageAndNowhereElse delays one step after another.
func TestADelayShowsInItsStageAndNowhereElse(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]*backend{
		"nothing":               {request: ms, work: 5 * ms, broadcast: 2 * ms},
		"the request":           {request: 4 * ms, work: 5 * ms, broadcast: 2 * ms},
		"the work":              {request: ms, work: 25 * ms, broadcast: 2 * ms},
		"the broadcast":         {request: ms, work: 5 * ms, broadcast: 22 * ms},
		"the answer of the API": {request: 50 * ms, work: 5 * ms, broadcast: 2 * ms}, // after the job's end
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				b.queue, b.clients = memory.New(), 3
				r := b.drive(t, scenario.Scenario{Subscribers: 2})
				if l := r.Ledger; l.Notified < 1000 || l.Notified != l.Scheduled || l.Lost != 0 || l.Foreign != 0 || l.Duplicated != 0 {
					t.Errorf("ledger %+v", l)
				}
				takes(t, r, metric.Lateness, 0)
				takes(t, r, metric.Request, b.request)
				takes(t, r, metric.Broadcast, b.broadcast)
				takes(t, r, metric.EndToEnd, b.work+b.broadcast)
			})
		})
	}
}

// TestABlackBoxNeedsNoQueue sees the ends of jobs only at the WebSocket clients.
func TestABlackBoxNeedsNoQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backend{clients: 2, request: 3 * ms, work: 5 * ms, broadcast: 2 * ms}
		r := b.drive(t, scenario.Scenario{})
		if l := r.Ledger; l.Notified < 1000 || l.Notified != l.Scheduled || l.Lost != 0 {
			t.Errorf("ledger %+v", l)
		}
		takes(t, r, metric.EndToEnd, 7*ms)
		takes(t, r, metric.Request, 3*ms)
	})
}

func TestTheLegSaysWhichPartOfABackEndLostAJob(t *testing.T) {
	t.Parallel()
	tenth := func(job int64) bool { return job%10 == 0 }
	refused := &endpoint.Error{Kind: endpoint.Status, Status: 503}
	for name, c := range map[string]struct {
		b     *backend
		leg   result.Leg
		black bool
	}{
		"refused":                          {&backend{refuse: func(job int64) error { return when(tenth(job), refused) }}, ledger.LegRefused, false},
		"no answer":                        {&backend{refuse: func(job int64) error { return when(tenth(job), &endpoint.Error{Kind: endpoint.Timeout}) }}, ledger.LegUnacknowledged, false},
		"the same id twice":                {&backend{id: everyTenthAgain}, ledger.LegUnacknowledged, false},
		"one client does not read":         {&backend{drop: func(job int64, client int) bool { return tenth(job) && client == 1 }}, ledger.LegUnbroadcast, false},
		"one of a black box":               {&backend{drop: func(job int64, client int) bool { return tenth(job) && client == 1 }}, ledger.LegUnbroadcast, true},
		"the subscriber does not hear":     {&backend{drop: func(job int64, client int) bool { return tenth(job) && client == -1 }}, ledger.LegUnnotified, false},
		"the end is said by no one":        {&backend{drop: func(job int64, client int) bool { return tenth(job) }}, ledger.LegUnfinished, false},
		"the end in no client, said twice": {&backend{twice: true, drop: func(job int64, client int) bool { return tenth(job) && client >= 0 }}, ledger.LegUnbroadcast, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				b := c.b
				b.clients, b.request, b.work, b.broadcast = 3, 2*ms, 5*ms, ms
				s := scenario.Scenario{DrainTimeout: time.Second}
				if !c.black {
					b.queue, s.Subscribers = memory.New(), 1
				}
				r := b.drive(t, s)
				l := r.Ledger
				l.LostJobs = nil // too many to print
				if want := (l.Sent + 9) / 10; l.LostByLeg[c.leg] != want || l.Lost != want || l.Sent < 1000 || l.Notified != l.Sent-want {
					t.Errorf("ledger %+v, want %d on the leg %s", l, want, c.leg)
				}
			})
		})
	}
}

// everyTenthAgain gives every tenth job, from the first on, the id of the one before.
func everyTenthAgain(job int64) string {
	if job >= 0 && job%10 == 0 {
		job--
	}
	return fmt.Sprint(job)
}

func when(b bool, err error) error {
	if b {
		return err
	}
	return nil
}

// TestAnAPIThatAnswersNothingMoreEndsTheRun gives up after half a minute.
func TestAnAPIThatAnswersNothingMoreEndsTheRun(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		b := &backend{clients: 1, refuse: func(int64) error { time.Sleep(ms); return &endpoint.Error{Kind: endpoint.Refused} }}
		o := virtual()
		o.OpenAPI = func(scenario.HTTPEntry) (engine.API, error) { return b, nil }
		o.OpenReaders = func(scenario.WebSocketExit, int) (engine.Readers, error) { return b, nil }
		s := scenario.Scenario{
			Name: "refused", External: true, Load: scenario.Load{Rate: pace.PerSecond(50), Duration: time.Minute},
			Entry: scenario.Entry{Kind: scenario.EntryHTTP, HTTP: scenario.HTTPEntry{URL: "http://api.example/jobs"}},
			Exit:  scenario.Exit{WebSocket: scenario.WebSocketExit{URL: "ws://api.example/ws"}},
		}
		r, err := engine.Run(t.Context(), s, nil, o)
		var known *endpoint.Error
		if r == nil || !errors.As(err, &known) || !r.Run.Failed {
			t.Fatalf("Run = %v", err)
		}
		if l := r.Ledger; l.Scheduled != l.Notified+l.Lost+l.Abandoned || l.LostByLeg[ledger.LegRefused] < 1000 {
			t.Errorf("ledger %+v", l)
		}
	})
}
