package engine_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario"
)

// breakable is a queue in memory with a server that can be paused, killed and started
// again, and with connections that can be broken. It keeps the test's own account of what
// it acknowledged and gave out.
type breakable struct {
	*memory.Queue
	forgets bool // a kill empties the queue, as without persistence

	mu                sync.Mutex      // guards what follows
	running           chan struct{}   // closed while it is not paused
	life              context.Context // ends when it is killed
	die               context.CancelFunc
	down              bool
	unreachable       map[scenario.FaultTarget]bool               // pools whose connections are refused
	breaking          map[scenario.FaultTarget]context.Context    // ends when the connections of a pool are closed
	closeAll          map[scenario.FaultTarget]context.CancelFunc // ends it
	lostAnswers       int                                         // of so many pushes the answer is lost, though they were carried out
	acked             map[string]bool                             // jobs whose push was acknowledged
	given             map[string]int                              // how often each job was given out and received
	wiped             int64                                       // jobs that were in the queue when it was killed and forgot them
	resumed, restarts int
}

var (
	_ fault.Server  = (*breakable)(nil)
	_ fault.Network = (*breakable)(nil)
)

func newBreakable() *breakable {
	b := &breakable{
		Queue: memory.New(), running: make(chan struct{}), acked: map[string]bool{}, given: map[string]int{},
		unreachable: map[scenario.FaultTarget]bool{}, breaking: map[scenario.FaultTarget]context.Context{}, closeAll: map[scenario.FaultTarget]context.CancelFunc{},
	}
	close(b.running)
	b.begin()
	return b
}

// begin begins a life of the server.
func (b *breakable) begin() {
	b.life, b.die = context.WithCancel(context.Background())
	for _, pool := range pools {
		b.breaking[pool], b.closeAll[pool] = context.WithCancel(b.life)
	}
}

// Break closes the connections of a pool and, unless they are only reset, refuses new
// ones until the repair. It slows no connection.
func (b *breakable) Break(pool scenario.FaultTarget, n scenario.Network) (repair func() error, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unreachable[pool] = n.Down || n.Swallow
	if n.Down || n.Swallow || n.Reset {
		b.close(pool)
	}
	return func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.unreachable[pool] = false
		return nil
	}, nil
}

// close closes the connections of a pool. The caller holds mu.
func (b *breakable) close(pool scenario.FaultTarget) {
	b.closeAll[pool]()
	b.breaking[pool], b.closeAll[pool] = context.WithCancel(b.life)
}

// disconnect closes the connections of a pool, unless the server is away.
func (b *breakable) disconnect(pool scenario.FaultTarget) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return errors.New("connection refused")
	}
	b.close(pool)
	return nil
}

func (b *breakable) Pause(context.Context, time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.running = make(chan struct{})
	return nil
}

func (b *breakable) Resume(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.resumed++
	close(b.running)
	return nil
}

func (b *breakable) Kill(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = true
	b.die()
	if b.forgets {
		n, _ := b.Queue.Len(ctx)
		b.wiped += n
		return b.Queue.Clear(ctx)
	}
	return nil
}

func (b *breakable) Restart(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = false
	b.restarts++
	b.begin()
	return nil
}

// errStale is that of a connection that broke before the call.
var errStale = errors.Join(jobqueue.ErrLost, jobqueue.ErrStale)

// enter waits while the server is paused. It returns the life of the connection.
func (b *breakable) enter(life context.Context) error {
	b.mu.Lock()
	running := b.running
	b.mu.Unlock()
	if life.Err() != nil {
		return errStale
	}
	select {
	case <-running:
		if life.Err() != nil {
			return jobqueue.ErrLost
		}
		return nil
	case <-life.Done():
		return jobqueue.ErrLost
	}
}

// Way is for connections that this queue does not have.
func (b *breakable) Way(scenario.FaultTarget) func(network, addr string) (string, error) { return nil }

// during is ctx until the connection breaks.
func during(ctx, life context.Context) (context.Context, func() bool, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	return ctx, context.AfterFunc(life, cancel), cancel
}

// connect returns the life of a connection of a pool; of none for one that only asks.
func (b *breakable) connect(pool scenario.FaultTarget) (context.Context, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down || b.unreachable[pool] {
		return nil, errors.New("connection refused")
	}
	if pool == "" {
		return b.life, nil
	}
	return b.breaking[pool], nil
}

func (b *breakable) OpenProducer(ctx context.Context) (jobqueue.Producer, error) {
	life, err := b.connect(scenario.ProducersTarget)
	if err != nil {
		return nil, err
	}
	p, err := b.Queue.OpenProducer(ctx)
	return &breakableProducer{p, b, life}, err
}

func (b *breakable) OpenConsumer(ctx context.Context) (jobqueue.Consumer, error) {
	life, err := b.connect(scenario.ConsumersTarget)
	if err != nil {
		return nil, err
	}
	c, err := b.Queue.OpenConsumer(ctx)
	return &breakableConsumer{c, b, life}, err
}

func (b *breakable) OpenSubscriber(ctx context.Context) (jobqueue.Subscriber, error) {
	life, err := b.connect(scenario.SubscribersTarget)
	if err != nil {
		return nil, err
	}
	s, err := b.Queue.OpenSubscriber(ctx)
	return &breakableSubscriber{s, b, life}, err
}

func (b *breakable) Len(ctx context.Context) (int64, error) {
	if life, err := b.connect(""); err != nil {
		return 0, err
	} else if err := b.enter(life); err != nil {
		return 0, err
	}
	return b.Queue.Len(ctx)
}

type breakableProducer struct {
	jobqueue.Producer
	b    *breakable
	life context.Context
}

func (p *breakableProducer) Disconnect(context.Context) error {
	return p.b.disconnect(scenario.ProducersTarget)
}

func (p *breakableProducer) Push(ctx context.Context, jobs ...[]byte) error {
	if err := p.b.enter(p.life); err != nil {
		return err
	}
	err := p.Producer.Push(ctx, jobs...)
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if err == nil && p.b.lostAnswers > 0 {
		p.b.lostAnswers--
		return jobqueue.ErrLost
	}
	for _, job := range jobs {
		p.b.acked[string(job)] = p.b.acked[string(job)] || err == nil
	}
	return err
}

type breakableConsumer struct {
	jobqueue.Consumer
	b    *breakable
	life context.Context
}

func (c *breakableConsumer) Disconnect(context.Context) error {
	return c.b.disconnect(scenario.ConsumersTarget)
}

func (c *breakableConsumer) Pop(ctx context.Context, most int, wait time.Duration) ([][]byte, error) {
	if err := c.b.enter(c.life); err != nil {
		return nil, err
	}
	ctx, stop, cancel := during(ctx, c.life)
	defer cancel()
	defer stop()
	jobs, err := c.Consumer.Pop(ctx, most, wait)
	if c.life.Err() != nil {
		return nil, jobqueue.ErrLost
	}
	if err := c.b.enter(c.life); err != nil { // the answer waits for the end of a pause
		return nil, err
	}
	c.b.mu.Lock()
	for _, job := range jobs {
		c.b.given[string(job)]++
	}
	c.b.mu.Unlock()
	return jobs, err
}

func (c *breakableConsumer) Publish(ctx context.Context, message []byte) (int, error) {
	if err := c.b.enter(c.life); err != nil {
		return 0, err
	}
	return c.Consumer.Publish(ctx, message)
}

type breakableSubscriber struct {
	jobqueue.Subscriber
	b    *breakable
	life context.Context
}

func (s *breakableSubscriber) Disconnect(context.Context) error {
	return s.b.disconnect(scenario.SubscribersTarget)
}

func (s *breakableSubscriber) Receive(ctx context.Context) ([]byte, error) {
	ctx, stop, cancel := during(ctx, s.life)
	defer cancel()
	defer stop()
	m, err := s.Subscriber.Receive(ctx)
	if err != nil && s.life.Err() != nil {
		return nil, jobqueue.ErrLost
	}
	return m, err
}
