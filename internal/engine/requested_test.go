package engine_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// pushingAPI answers with an id and pushes an element, but not of every tenth job.
type pushingAPI struct {
	to      jobqueue.Producer
	element func(id string) string
}

func (a pushingAPI) Check(context.Context) error { return nil }
func (a pushingAPI) Close()                      {}
func (a pushingAPI) Do(ctx context.Context, _ string, job int64, dst []byte) ([]byte, error) {
	id := "id-" + strconv.FormatInt(job, 10)
	if job%10 == 0 {
		return append(dst, id...), nil
	}
	return append(dst, id...), a.to.Push(ctx, []byte(a.element(id)))
}

func TestRequestedJobsThatNoWorkerTookAreInTheQueue(t *testing.T) {
	t.Parallel()
	for name, element := range map[string]func(id string) string{
		"the id":       func(id string) string { return id },
		"JSON with it": func(id string) string { return `{"attempt":1,"data":{"tenantId":"t1","id":"` + id + `"}}` },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T) {
				q := memory.New()
				to, err := q.OpenProducer(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				o := virtual()
				o.OpenAPI = func(scenario.HTTPEntry) (engine.API, error) { return pushingAPI{to, element}, nil }
				s := scenario.Scenario{
					Name: "requested", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 100}, External: true, DrainTimeout: time.Second,
					Entry: scenario.Entry{Kind: scenario.EntryHTTP, HTTP: scenario.HTTPEntry{URL: "http://api.test/jobs"}},
				}
				r := mustRun(t, s, q, o)
				if by := r.Ledger.LostByLeg; by[ledger.LegInQueue] != 90 || by[ledger.LegUnfinished] != 10 || r.Ledger.Lost != 100 {
					t.Errorf("lost %v, want 90 in the queue and 10 unfinished", by)
				}
			})
		})
	}
}

// endingAPI publishes the end of each job before it answers.
type endingAPI struct{ by jobqueue.Consumer }

func (a endingAPI) Check(context.Context) error { return nil }
func (a endingAPI) Close()                      {}
func (a endingAPI) Do(ctx context.Context, _ string, job int64, dst []byte) ([]byte, error) {
	id := "id-" + strconv.FormatInt(job, 10)
	_, err := a.by.Publish(ctx, []byte(`{"tenantId":"tenant-0","jobId":"`+id+`","status":"COMPLETED","error":null}`))
	return append(dst, id...), err
}

// deaf are WebSocket clients that read nothing.
type deaf struct{}

func (deaf) Open(context.Context, engine.ReaderEvents) error { return nil }
func (deaf) Close()                                          {}

func TestJobsThatClientsDidNotReadWerePublished(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T) {
		q := memory.New()
		by, err := q.OpenConsumer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		o := virtual()
		o.OpenAPI = func(scenario.HTTPEntry) (engine.API, error) { return endingAPI{by}, nil }
		o.OpenReaders = func(scenario.WebSocketExit, int) (engine.Readers, error) { return deaf{}, nil }
		s := scenario.Scenario{
			Name: "unread", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 100}, External: true, DrainTimeout: time.Second,
			Entry: scenario.Entry{Kind: scenario.EntryHTTP, HTTP: scenario.HTTPEntry{URL: "http://api.test/jobs"}},
			Exit:  scenario.Exit{WebSocket: scenario.WebSocketExit{URL: "ws://api.test/ws"}},
		}
		r := mustRun(t, s, q, o)
		if l := r.Ledger; l.LostByLeg[ledger.LegUnbroadcast] != 100 || l.Popped != 100 || l.Published != 100 || l.Notified != 0 {
			t.Errorf("%+v, want 100 published and unbroadcast", l)
		}
	})
}
