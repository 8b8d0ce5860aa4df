package verify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/queuedyno/queuedyno/internal/engine"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// rig is what the experiments are made on. It keeps the result of every run,
// those of failed tries too, since some laws hold for all of them.
type rig struct {
	o       Options
	results []*result.Result
}

// load is one run of an experiment.
type load struct {
	scenario.Scenario
	hooks
	// waiter makes what waits for due times and work; nil means the usual.
	waiter func() (waiter.Waiter, error)
	// meanwhile runs during the load, from right before its beginning. cut ends the load at once, which is not an error then.
	meanwhile func(ctx context.Context, cut func()) error
	// server is what the scenario's faults break; nil without faults.
	server *pausedServer
}

// run runs a load to its end. An error means that there is no result that could
// be judged.
func (r *rig) run(ctx context.Context, l load) (*result.Result, error) {
	id := flight.NewID()
	client, err := r.connect(ctx, id)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if l.Seed == 0 && r.o.Seed != 0 {
		// Every run its own arrivals, and the same ones the next time.
		l.Seed = rand.NewPCG(r.o.Seed, uint64(len(r.results))).Uint64()>>11 | 1
	}
	inner, cut := context.WithCancel(ctx)
	defer cut()
	begun := make(chan struct{})

	var besides sync.WaitGroup
	var meanwhile error
	if l.meanwhile != nil {
		besides.Go(func() {
			select {
			case <-begun:
			case <-inner.Done():
				return
			}
			if meanwhile = l.meanwhile(inner, cut); meanwhile != nil {
				cut()
			}
		})
	}
	o := engine.Options{ID: id, Waiter: l.waiter, Begin: func() { close(begun) }, Tool: r.o.Tool, Redis: r.o.Redis}
	if l.server != nil {
		o.Server = l.server
	}
	res, err := engine.Run(inner, l.Scenario, &site{client, l.hooks}, o)
	ended := inner.Err() != nil // before we end it ourselves
	cut()
	besides.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case meanwhile != nil && !errors.Is(meanwhile, context.Canceled):
		return nil, meanwhile
	case err != nil:
		return nil, err
	case res.Run.Failed:
		return nil, errors.New(res.Run.Error)
	case res.Run.Interrupted && !ended:
		return nil, errors.New("the run was interrupted")
	}
	r.results = append(r.results, res)
	return res, nil
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// histogram is the whole distribution of a stage.
func histogram(r *result.Result, s metric.Stage) (*latency.Histogram, error) {
	h, err := latency.Decode(r.Stages[s].HDR)
	if err != nil {
		return nil, fmt.Errorf("read stage %q: %w", s, err)
	}
	return h, nil
}
