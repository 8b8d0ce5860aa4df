package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/internal/publishpop"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
)

// injector is what carries a fault out.
func (f *faults) injector(one scenario.Fault) fault.Injector {
	switch {
	case one.Kind == scenario.NetworkFault:
		return &breakNetwork{way: f.r.o.Network, fault: one}
	case one.Target == scenario.WorkersTarget && f.r.s.External:
		return &breakWorkers{f: f, fault: one, workers: f.r.o.Workers.(fault.Workers)}
	case one.Target == scenario.WorkersTarget && one.Kind == scenario.PauseFault:
		return &pauseWorkers{f: f, count: one.Count}
	case one.Target == scenario.WorkersTarget && one.Kind == scenario.KillFault:
		return &killWorkers{f: f, fault: one}
	case one.Kind == scenario.SlowFault:
		return slowWorkers{f, one.Factor}
	case one.Kind == scenario.DisconnectFault && one.Target == scenario.PostgresTarget:
		return disconnectStore{f.r}
	case one.Kind == scenario.DisconnectFault:
		return disconnect{f.r, one.Target}
	}
	server, gone := f.r.o.Server, func(bool) {}
	if one.Target == scenario.PostgresTarget {
		server, gone = f.r.o.Database, f.noStore.Store
	} else if one.Restart == 0 {
		gone = func(bool) { f.endServer() } // it is never started again
	}
	if one.Kind == scenario.PauseFault {
		return pauseServer{server, one.For}
	}
	return &killServer{r: f.r, server: server, gone: gone}
}

// pauseServer makes the server answer nothing.
type pauseServer struct {
	server fault.Server
	length time.Duration
}

func (p pauseServer) Begin(ctx context.Context) error { return p.server.Pause(ctx, p.length) }
func (p pauseServer) End(ctx context.Context) error   { return p.server.Resume(ctx) }

// killServer ends the server at once, and starts it again unless it stays down. gone notes
// whether it is gone.
type killServer struct {
	r      *run
	server fault.Server
	gone   func(bool)
}

func (k *killServer) Begin(ctx context.Context) error {
	err := k.server.Kill(ctx)
	if err == nil {
		k.gone(true)
	}
	return err
}

// End starts the server, but not for a run that was stopped at once.
func (k *killServer) End(ctx context.Context) error {
	if k.r.ctx.Err() != nil {
		return errNotRestarted
	}
	err := k.server.Restart(ctx)
	if err == nil {
		k.gone(false)
	}
	return err
}

// errNotRestarted is why something that was killed is not started again.
var errNotRestarted = errors.New("the run was stopped before the restart")

// disconnect makes the server close the connections of a pool.
type disconnect struct {
	r    *run
	pool scenario.FaultTarget
}

func (d disconnect) Begin(ctx context.Context) error {
	var all []any
	d.r.conns.Lock()
	switch d.pool {
	case scenario.ProducersTarget:
		for _, p := range d.r.producers {
			all = append(all, p.conn)
		}
	case scenario.ConsumersTarget:
		for _, c := range d.r.consumers {
			all = append(all, publishpop.Under(c.conn))
		}
	case scenario.SubscribersTarget:
		for _, s := range d.r.subscribers {
			all = append(all, s.conn)
		}
	}
	d.r.conns.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var closing sync.WaitGroup
	errs := make([]error, len(all))
	for i, conn := range all {
		one, can := conn.(jobqueue.Disconnector)
		if !can {
			errs[i] = fmt.Errorf("disconnect %s: this queue cannot close their connections", d.pool)
			continue
		}
		closing.Go(func() { errs[i] = one.Disconnect(ctx) })
	}
	closing.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (disconnect) End(context.Context) error { return nil }

// disconnectStore makes the Postgres close the connections of the table.
type disconnectStore struct{ r *run }

func (d disconnectStore) Begin(ctx context.Context) error {
	one, can := d.r.store.(interface{ Disconnect(context.Context) error })
	if !can {
		return errors.New("disconnect postgres: this table cannot close its connections")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return one.Disconnect(ctx)
}

func (disconnectStore) End(context.Context) error { return nil }

// living are the first workers that run, so many or all with 0.
func (f *faults) living(count int) (some []*consumer) {
	f.r.conns.Lock()
	defer f.r.conns.Unlock()
	for _, c := range f.r.consumers {
		if c.down == 0 && (count == 0 || len(some) < count) {
			some = append(some, c)
		}
	}
	return some
}

// killWorkers kills the first workers, and starts them again unless they stay dead.
type killWorkers struct {
	f       *faults
	fault   scenario.Fault
	victims []*consumer
}

func (k *killWorkers) Begin(context.Context) error {
	k.victims = k.f.living(k.fault.Count)
	for _, c := range k.victims {
		c.kill()
	}
	return nil
}

func (k *killWorkers) End(context.Context) error {
	if k.fault.Restart == 0 {
		return nil
	}
	var errs []error
	for _, c := range k.victims {
		errs = append(errs, c.revive())
	}
	return errors.Join(errs...)
}

// pauseWorkers lets the first workers do nothing for a while.
type pauseWorkers struct {
	f       *faults
	count   int
	victims []*consumer
	over    chan struct{}
}

func (p *pauseWorkers) Begin(context.Context) error {
	p.victims, p.over = p.f.living(p.count), make(chan struct{})
	for _, c := range p.victims {
		c.halted.Store(&p.over)
	}
	return nil
}

func (p *pauseWorkers) End(context.Context) error {
	for _, c := range p.victims {
		c.halted.Store(nil)
	}
	close(p.over)
	return nil
}

// errNoWorkers is why a run refuses a fault: its workers are external, and it has not
// started them, or they are to be slow, which is up to them.
var errNoWorkers = errors.New("a fault of this scenario breaks workers in a way in which this run cannot break them: they are external")

// errNoDatabase is why a run refuses a fault: nothing can break the Postgres.
var errNoDatabase = errors.New("a fault of this scenario breaks the Postgres, and this run has none that it may break")

// breakWorkers kills or pauses workers that were started for the run.
type breakWorkers struct {
	f       *faults
	fault   scenario.Fault
	workers fault.Workers
	repair  func(context.Context) error // nil when there is nothing to repair
}

func (b *breakWorkers) Begin(ctx context.Context) error {
	if b.fault.Kind == scenario.PauseFault {
		resume, err := b.workers.Pause(b.fault.Count)
		if resume != nil {
			b.repair = func(context.Context) error { return resume() }
		}
		return err
	}
	restart, err := b.workers.Kill(ctx, b.fault.Count)
	if b.fault.Restart > 0 {
		b.repair = restart
	}
	return err
}

// End repairs it, but starts no workers for a run that was stopped at once.
func (b *breakWorkers) End(ctx context.Context) error {
	switch {
	case b.repair == nil:
		return nil
	case b.fault.Kind == scenario.KillFault && b.f.r.ctx.Err() != nil:
		return errNotRestarted
	}
	return b.repair(ctx)
}

// slowWorkers makes work take several times as long.
type slowWorkers struct {
	f      *faults
	factor float64
}

func (s slowWorkers) Begin(context.Context) error {
	s.f.slow.Store(math.Float64bits(s.factor))
	return nil
}

func (s slowWorkers) End(context.Context) error {
	s.f.slow.Store(0)
	return nil
}

// errNoNetwork is why a run refuses a fault: its connections take no way that can be
// broken.
var errNoNetwork = errors.New("a fault of this scenario breaks the network, and the connections of this run cannot be broken")

// way finds the addresses that the connections of a pool dial, nil where all of them are
// direct.
func (r *run) way(pool scenario.FaultTarget) func(network, addr string) (at string, err error) {
	if r.o.Network == nil {
		return nil
	}
	return r.o.Network.Way(pool)
}

// breakNetwork breaks the way of a pool to its servers.
type breakNetwork struct {
	way    fault.Network
	fault  scenario.Fault
	repair func() error
}

func (b *breakNetwork) Begin(context.Context) (err error) {
	b.repair, err = b.way.Break(b.fault.Target, b.fault.Network)
	return err
}

func (b *breakNetwork) End(context.Context) error {
	if b.repair == nil {
		return nil
	}
	return b.repair()
}
