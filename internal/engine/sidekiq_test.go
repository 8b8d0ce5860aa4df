package engine

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// inMails is a backend whose queue has a key.
type inMails struct {
	*memoryQueue
	key string
}

type memoryQueue = memory.Queue

func (q inMails) Queue() string { return q.key }

func mails(payload int) scenario.Scenario {
	return scenario.Scenario{
		Name: "sidekiq", Load: scenario.Load{Rate: pace.PerSecond(100), Jobs: 50}, External: true, DrainTimeout: time.Second,
		Dialect: "sidekiq", JobName: "HardJob", Payload: payload,
	}.WithDefaults()
}

func TestWhatIsLeftInAQueueOfSidekiqIsKnownAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := inMails{memory.New(), "queue:mails"}
		p, err := q.OpenProducer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		theirs := `{"retry":false,"queue":"mails","class":"HardJob","args":["4711"],"jid":"a244c6c5eb6017dff55261c5","created_at":1795415735.4608576,"enqueued_at":1795415735.4608748}`
		if err := p.Push(t.Context(), []byte(theirs)); err != nil {
			t.Fatal(err)
		}
		r, err := Run(t.Context(), mails(10), q, Options{
			AllowNonEmpty: true, Shared: true, NoProbes: true,
			Waiter: waiter.Coarse,
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := r.Ledger.LostByLeg[ledger.LegInQueue]; n != 50 || r.Ledger.Lost != 50 {
			t.Errorf("ledger %+v, want 50 jobs in the queue", r.Ledger)
		}
	})
}

func TestJobsOfSidekiqGoOnlyIntoItsQueues(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"job_queue", "queue:", ""} {
		if _, err := Run(t.Context(), mails(0), inMails{memory.New(), key}, Options{}); err == nil || !strings.Contains(err.Error(), "queue:default") {
			t.Errorf("key %q: %v, want an error that names queue:default", key, err)
		}
	}
	if _, err := Run(t.Context(), mails(0), memory.New(), Options{}); err == nil {
		t.Error("a queue without a name was taken")
	}
}
