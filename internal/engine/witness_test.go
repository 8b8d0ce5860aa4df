package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/resp"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
)

// witness is a client that keeps the test's account of every job, by its id, from what
// passes between the run and the queue. It shares nothing with the ledger of the run.
type witness struct {
	*jobqueue.Client
	began time.Time
	mu    sync.Mutex // guards what follows
	jobs  map[string]*seen
	left  map[string]bool // what waited in the queue when the run removed it
}

// seen is what happened to a job as far as the witness has seen.
type seen struct {
	written, acked, refused bool          // its push
	ackedAt                 time.Duration // since the witness began
	given                   int           // how often a consumer of the run received it
	offered, published      bool          // its end: the publish was asked for, and answered
	unheard                 bool          // the answer says that no subscriber was there
	heard                   bool          // a subscriber of the run received it
}

func newWitness(c *jobqueue.Client) *witness {
	return &witness{Client: c, began: time.Now(), jobs: map[string]*seen{}, left: map[string]bool{}}
}

// note changes what was seen of jobs.
func (w *witness) note(change func(*seen), ids ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		if w.jobs[id] == nil {
			w.jobs[id] = &seen{}
		}
		change(w.jobs[id])
	}
}

// Clear is called when the run has closed its connections.
func (w *witness) Clear(ctx context.Context) error {
	left, err := w.Client.Peek(ctx, 0, 1_000_000)
	if err != nil {
		return err
	}
	w.mu.Lock()
	for _, id := range left {
		w.left[id] = true
	}
	w.mu.Unlock()
	return w.Client.Clear(ctx)
}

func (w *witness) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	p, err := w.Client.OpenProducer(ctx)
	if err != nil {
		return nil, err
	}
	return &witnessedProducer{Pipeliner: p.(jobqueue.Pipeliner), w: w}, nil
}

func (w *witness) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	c, err := w.Client.OpenConsumer(ctx)
	if err != nil {
		return nil, err
	}
	return &witnessedConsumer{c.(jobqueue.PublishPopper), w}, nil
}

func (w *witness) OpenSubscriber(ctx context.Context) (jobqueue.Subscriber, error) {
	s, err := w.Client.OpenSubscriber(ctx)
	if err != nil {
		return nil, err
	}
	return &witnessedSubscriber{s, w}, nil
}

type witnessedProducer struct {
	jobqueue.Pipeliner
	w      *witness
	mu     sync.Mutex // guards what follows
	staged []string   // not flushed yet
	pushes [][]string // without an answer, the oldest first
}

func (p *witnessedProducer) Prove() error { return p.Pipeliner.(interface{ Prove() error }).Prove() }
func (p *witnessedProducer) Disconnect(ctx context.Context) error {
	return p.Pipeliner.(interface{ Disconnect(context.Context) error }).Disconnect(ctx)
}

func texts(jobs [][]byte) (all []string) {
	for _, job := range jobs {
		all = append(all, string(job))
	}
	return all
}

func (p *witnessedProducer) Push(ctx context.Context, jobs ...[]byte) error {
	err := p.Pipeliner.Push(ctx, jobs...)
	p.w.note(func(s *seen) { s.written, s.acked = true, s.acked || err == nil }, texts(jobs)...)
	return err
}

func (p *witnessedProducer) Send(jobs ...[]byte) error {
	ids := texts(jobs)
	p.mu.Lock()
	p.staged, p.pushes = append(p.staged, ids...), append(p.pushes, ids)
	p.mu.Unlock()
	return p.Pipeliner.Send(jobs...)
}

// Flush notes what was written before it is: the answer may come before it returns.
func (p *witnessedProducer) Flush() error {
	p.mu.Lock()
	ids := p.staged
	p.staged = nil
	p.mu.Unlock()
	p.w.note(func(s *seen) { s.written = true }, ids...)
	err := p.Pipeliner.Flush()
	if errors.Is(err, jobqueue.ErrStale) { // nothing was written
		p.w.note(func(s *seen) { s.written = false }, ids...)
	}
	return err
}

func (p *witnessedProducer) Await() error {
	err := p.Pipeliner.Await()
	var reply *resp.ReplyError
	refused := errors.As(err, &reply)
	if err != nil && !refused {
		return err
	}
	p.mu.Lock()
	var ids []string
	if len(p.pushes) > 0 {
		ids, p.pushes = p.pushes[0], p.pushes[1:]
	}
	p.mu.Unlock()
	at := time.Since(p.w.began)
	p.w.note(func(s *seen) { s.acked, s.refused, s.ackedAt = !refused, refused, at }, ids...)
	return err
}

type witnessedConsumer struct {
	jobqueue.PublishPopper
	w *witness
}

func (c *witnessedConsumer) Abort() error {
	return c.PublishPopper.(interface{ Abort() error }).Abort()
}
func (c *witnessedConsumer) Disconnect(ctx context.Context) error {
	return c.PublishPopper.(interface{ Disconnect(context.Context) error }).Disconnect(ctx)
}

func (c *witnessedConsumer) PublishAndPop(ctx context.Context, outcomes []jobqueue.Outcome, acked func(i, receivers int), most int, wait time.Duration) ([][]byte, error) {
	var ids []string
	for _, o := range outcomes {
		ids = append(ids, jobOf(o.Message))
	}
	c.w.note(func(s *seen) { s.offered = true }, ids...)
	jobs, err := c.PublishPopper.PublishAndPop(ctx, outcomes, func(i, receivers int) {
		c.w.note(func(s *seen) {
			s.published = true
			s.unheard = s.unheard || receivers == 0 && !s.heard
		}, ids[i])
		acked(i, receivers)
	}, most, wait)
	c.w.note(func(s *seen) { s.given++ }, texts(jobs)...)
	return jobs, err
}

func (c *witnessedConsumer) Reopen(ctx context.Context) (jobqueue.Consumer, error) {
	again, err := c.PublishPopper.(jobqueue.Reopener).Reopen(ctx)
	if err != nil {
		return nil, err
	}
	return &witnessedConsumer{again.(jobqueue.PublishPopper), c.w}, nil
}

type witnessedSubscriber struct {
	jobqueue.Subscriber
	w *witness
}

func (s *witnessedSubscriber) Disconnect(ctx context.Context) error {
	return s.Subscriber.(interface{ Disconnect(context.Context) error }).Disconnect(ctx)
}

func (s *witnessedSubscriber) Receive(ctx context.Context) ([]byte, error) {
	message, err := s.Subscriber.Receive(ctx)
	if err == nil {
		s.w.note(func(s *seen) { s.heard = s.heard || !s.unheard }, jobOf(message))
	}
	return message, err
}

// jobOf is the id of the job that an update is about.
func jobOf(message []byte) string {
	var update struct{ JobID string }
	if err := json.Unmarshal(message, &update); err != nil {
		return "unreadable: " + string(message)
	}
	return update.JobID
}

// leg is where a job was lost, empty for one that was not. left says that it waited in
// the queue at the end.
func (s *seen) leg(left bool) result.Leg {
	switch {
	case s.heard, !s.written:
		return ""
	case s.unheard:
		return ledger.LegUnheard
	case s.published:
		return ledger.LegUnnotified
	case s.offered:
		return ledger.LegUnpublished
	case s.given > 0:
		return ledger.LegUnfinished
	case left:
		return ledger.LegInQueue
	case s.refused:
		return ledger.LegRefused
	case s.acked:
		return ledger.LegVanished
	}
	return ledger.LegUnacknowledged
}

// lost are the jobs that the witness misses, by their ids.
func (w *witness) lost() map[string]result.Leg {
	w.mu.Lock()
	defer w.mu.Unlock()
	lost := map[string]result.Leg{}
	for id, s := range w.jobs {
		if leg := s.leg(w.left[id]); leg != "" {
			lost[id] = leg
		}
	}
	return lost
}

// lostOn are the ids of the lost jobs of a leg, in order.
func lostOn(leg result.Leg, lost map[string]result.Leg) (ids []string) {
	for id, l := range lost {
		if l == leg {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// count is how many jobs are as the function says.
func (w *witness) count(is func(*seen) bool) (n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.jobs {
		if is(s) {
			n++
		}
	}
	return n
}

// agrees holds the ledger of a run against the witness: its counts, how many jobs were
// lost on each leg, and which.
func (w *witness) agrees(t *testing.T, r *result.Result) {
	t.Helper()
	l, lost := r.Ledger, w.lost()
	for name, counts := range map[string][2]int64{
		"sent":           {l.Sent, w.count(func(s *seen) bool { return s.written })},
		"acknowledged":   {l.Acked, w.count(func(s *seen) bool { return s.acked })},
		"popped":         {l.Popped, w.count(func(s *seen) bool { return s.given > 0 })},
		"notified":       {l.Notified, w.count(func(s *seen) bool { return s.heard })},
		"lost, but sent": {l.Lost - l.LostByLeg[ledger.LegUnsent], int64(len(lost))},
	} {
		if counts[0] != counts[1] {
			t.Errorf("%s: the ledger has %d jobs, the witness %d", name, counts[0], counts[1])
		}
	}
	named := map[string]result.Leg{}
	for _, j := range l.LostJobs {
		named[j.ID] = j.Leg
	}
	for _, leg := range result.Legs() {
		ids := lostOn(leg, lost)
		if n := l.LostByLeg[leg]; leg != ledger.LegUnsent && n != int64(len(ids)) {
			t.Errorf("%s: the ledger lost %d jobs, the witness misses %d: %q", leg, n, len(ids), ids)
			continue
		}
		// The ledger names up to 1,000 jobs, and none that were over before the end.
		if got := lostOn(leg, named); len(l.LostJobs) < 1000 && leg != ledger.LegRefused && leg != ledger.LegUnheard && !slices.Equal(got, ids) {
			t.Errorf("%s: the ledger lost %q, the witness misses %q", leg, got, ids)
		}
	}
}
