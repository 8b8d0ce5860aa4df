package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/fault"
	"github.com/queuedyno/queuedyno/internal/publishpop"
	"github.com/queuedyno/queuedyno/scenario"
)

// injection is a fault that functions begin and repair.
type injection struct {
	begin func(context.Context) error
	end   func(context.Context) error // nil where nothing has to be repaired
}

func (i injection) Begin(ctx context.Context) error { return i.begin(ctx) }

func (i injection) End(ctx context.Context) error {
	if i.end == nil {
		return nil
	}
	return i.end(ctx)
}

// injector is what carries a fault out.
func (f *faults) injector(one scenario.Fault) fault.Injector {
	switch {
	case one.Kind == scenario.NetworkFault:
		return breakNetwork(f.r.o.Network, one)
	case one.Target == scenario.WorkersTarget && f.r.s.External:
		return f.breakWorkers(one, f.r.o.Workers.(fault.Workers))
	case one.Target == scenario.WorkersTarget && one.Kind == scenario.PauseFault:
		return f.pauseWorkers(one)
	case one.Target == scenario.WorkersTarget && one.Kind == scenario.KillFault:
		return f.killWorkers(one)
	case one.Kind == scenario.SlowFault:
		return injection{f.slows(one.Factor), f.slows(0)}
	case one.Kind == scenario.DisconnectFault && one.Target == scenario.PostgresTarget:
		return injection{begin: f.r.disconnectStore}
	case one.Kind == scenario.DisconnectFault:
		return injection{begin: func(ctx context.Context) error { return f.r.disconnect(ctx, one.Target) }}
	}
	server, gone := f.r.o.Server, func(bool) {}
	if one.Target == scenario.PostgresTarget {
		server, gone = f.r.o.Database, f.noStore.Store
	} else if one.Restart == 0 {
		gone = func(bool) { f.endServer() } // it is never started again
	}
	if one.Kind == scenario.PauseFault {
		return injection{func(ctx context.Context) error { return server.Pause(ctx, one.For) }, server.Resume}
	}
	return f.killServer(server, gone)
}

// killServer ends the server at once, and starts it again unless it stays down, but not for
// a run that was stopped at once. gone notes whether it is gone.
func (f *faults) killServer(server fault.Server, gone func(bool)) injection {
	noted := func(is bool, err error) error {
		if err == nil {
			gone(is)
		}
		return err
	}
	return injection{
		func(ctx context.Context) error { return noted(true, server.Kill(ctx)) },
		func(ctx context.Context) error {
			if f.r.ctx.Err() != nil {
				return errNotRestarted
			}
			return noted(false, server.Restart(ctx))
		},
	}
}

// errNotRestarted is why something that was killed is not started again.
var errNotRestarted = errors.New("the run was stopped before the restart")

// disconnect makes the server close the connections of a pool.
func (r *run) disconnect(ctx context.Context, pool scenario.FaultTarget) error {
	var all []any
	r.conns.Lock()
	switch pool {
	case scenario.ProducersTarget:
		for _, p := range r.producers {
			all = append(all, p.conn)
		}
	case scenario.ConsumersTarget:
		for _, c := range r.consumers {
			all = append(all, publishpop.Under(c.conn))
		}
	case scenario.SubscribersTarget:
		for _, s := range r.subscribers {
			all = append(all, s.conn)
		}
	}
	r.conns.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var closing sync.WaitGroup
	errs := make([]error, len(all))
	for i, conn := range all {
		one, can := conn.(disconnector)
		if !can {
			errs[i] = fmt.Errorf("disconnect %s: this queue cannot close their connections", pool)
			continue
		}
		closing.Go(func() { errs[i] = one.Disconnect(ctx) })
	}
	closing.Wait()
	return cmp.Or(errs...)
}

// disconnector is a connection, or a pool of them, that the server closes on request.
type disconnector interface{ Disconnect(context.Context) error }

// disconnectStore makes the Postgres close the connections of the table.
func (r *run) disconnectStore(ctx context.Context) error {
	one, can := r.store.(disconnector)
	if !can {
		return errors.New("disconnect postgres: this table cannot close its connections")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return one.Disconnect(ctx)
}

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
func (f *faults) killWorkers(one scenario.Fault) injection {
	var victims []*consumer
	kill := func(context.Context) error {
		victims = f.living(one.Count)
		for _, c := range victims {
			c.kill()
		}
		return nil
	}
	if one.Restart == 0 {
		return injection{begin: kill}
	}
	return injection{kill, func(context.Context) (err error) {
		for _, c := range victims {
			err = errors.Join(err, c.revive())
		}
		return err
	}}
}

// pauseWorkers lets the first workers do nothing for a while.
func (f *faults) pauseWorkers(one scenario.Fault) injection {
	var victims []*consumer
	over := make(chan struct{})
	halt := func(until *chan struct{}) {
		for _, c := range victims {
			c.halted.Store(until)
		}
	}
	return injection{
		func(context.Context) error {
			victims = f.living(one.Count)
			halt(&over)
			return nil
		},
		func(context.Context) error {
			halt(nil)
			close(over)
			return nil
		},
	}
}

// errNoWorkers is why a run refuses a fault: its workers are external, and it has not
// started them, or they are to be slow, which is up to them.
var errNoWorkers = errors.New("a fault of this scenario breaks workers in a way in which this run cannot break them: they are external")

// errNoDatabase is why a run refuses a fault: nothing can break the Postgres.
var errNoDatabase = errors.New("a fault of this scenario breaks the Postgres, and this run has none that it may break")

// breakWorkers kills or pauses workers that were started for the run. It starts none for a
// run that was stopped at once.
func (f *faults) breakWorkers(one scenario.Fault, workers fault.Workers) injection {
	var repair func(context.Context) error // nil when there is nothing to repair
	return injection{
		func(ctx context.Context) error {
			if one.Kind == scenario.PauseFault {
				resume, err := workers.Pause(one.Count)
				if resume != nil {
					repair = func(context.Context) error { return resume() }
				}
				return err
			}
			restart, err := workers.Kill(ctx, one.Count)
			if one.Restart > 0 {
				repair = restart
			}
			return err
		},
		func(ctx context.Context) error {
			switch {
			case repair == nil:
				return nil
			case one.Kind == scenario.KillFault && f.r.ctx.Err() != nil:
				return errNotRestarted
			}
			return repair(ctx)
		},
	}
}

// slows makes work take several times as long, or with 0 as long as ever.
func (f *faults) slows(factor float64) func(context.Context) error {
	return func(context.Context) error {
		f.slow.Store(math.Float64bits(factor))
		return nil
	}
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
func breakNetwork(way fault.Network, one scenario.Fault) injection {
	var repair func() error
	return injection{
		func(context.Context) (err error) {
			repair, err = way.Break(one.Target, one.Network)
			return err
		},
		func(context.Context) error {
			if repair == nil {
				return nil
			}
			return repair()
		},
	}
}
