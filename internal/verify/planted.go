package verify

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/waiter"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// plantedDrain is how long the runs with losses wait for what will not come.
const plantedDrain = time.Second

// lostOnTheWay plants losses on every leg between the push and the subscriber,
// six jobs each, all in one run.
func lostOnTheWay(ctx context.Context, r *rig, x *Experiment) error {
	const jobs, each = 600, 6
	f := faults{11: swallowPush, 21: swallowPublish, 31: dropMessage, 36: dropDelivery, 41: hangPublish}
	res, err := r.run(ctx, load{hooks: f.hooks(), Scenario: scenario.Scenario{
		Name: "verify-losses", Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: jobs},
		// A publish that is never answered takes its consumer away for good.
		Producers: 2, Consumers: 4 + each, DrainTimeout: plantedDrain,
	}})
	if err != nil {
		return err
	}
	x.legs(res, map[result.Leg]int64{
		ledger.LegVanished: each, ledger.LegUnheard: each,
		ledger.LegUnnotified: 2 * each, ledger.LegUnpublished: each,
	})
	x.exactly("notified", jobs-5*each, res.Ledger.Notified)
	return nil
}

// leftInTheQueue lets the workers stop for good after some of the jobs.
func leftInTheQueue(ctx context.Context, r *rig, x *Experiment) error {
	const jobs, taken = 400, 275
	var s strike
	s.left.Store(taken)
	res, err := r.run(ctx, load{hooks: hooks{consumer: s.wrap}, Scenario: scenario.Scenario{
		Name: "verify-left", Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: jobs},
		Consumers: 3, DrainTimeout: plantedDrain,
	}})
	if err != nil {
		return err
	}
	x.legs(res, map[result.Leg]int64{ledger.LegInQueue: jobs - taken})
	x.exactly("notified", taken, res.Ledger.Notified)
	return nil
}

// cutOff ends a run at once while a push hangs, with what comes after it, and
// while some workers never finish.
func cutOff(ctx context.Context, r *rig, x *Experiment) error {
	// So slow that two jobs are not written together, which would let the push
	// that hangs carry more than one.
	const jobs, hanging, endless, rate = 100, 70, 3, 100
	const work = 1_234_567 * time.Nanosecond
	hang := hooks{producer: func(p jobqueue.Producer) jobqueue.Producer { return hangingProducer{p, hanging} }}
	var begun atomic.Int64
	res, err := r.run(ctx, load{hooks: hang, waiter: func() (waiter.Waiter, error) {
		w, err := waiter.Precise()
		return &endlessWaiter{Waiter: w, work: work, endless: endless, begun: &begun, stop: make(chan struct{})}, err
	}, Scenario: scenario.Scenario{
		Name: "verify-cut", Load: scenario.Load{Rate: pace.PerSecond(rate), Jobs: jobs},
		Consumers: endless + 3, Work: scenario.Work{Time: work}, DrainTimeout: 10 * time.Second,
	}, meanwhile: func(ctx context.Context, cut func()) error {
		err := sleep(ctx, jobs*time.Second/rate+500*time.Millisecond)
		cut()
		return err
	}})
	if err != nil {
		return err
	}
	// One push hangs, and what is due after it is never sent.
	x.legs(res, nil)
	x.exactly("abandoned", jobs-hanging+endless, res.Ledger.Abandoned)
	x.exactly("notified", hanging-endless, res.Ledger.Notified)
	return nil
}

// strangers plants everything else that the ledger counts, five times each, in a
// run with one worker, where order is order.
func strangers(ctx context.Context, r *rig, x *Experiment) error {
	const jobs, each = 500, 5
	f := faults{
		10: pushTwice, 20: foreignElement, 30: deliverTwice, 50: deliverLate,
		60: foreignMessage, 70: unreadable, 80: damagedElement,
	}
	res, err := r.run(ctx, load{hooks: f.hooks(), Scenario: scenario.Scenario{
		Name: "verify-strangers", Load: scenario.Load{Rate: pace.PerSecond(1000), Jobs: jobs}, DrainTimeout: plantedDrain,
	}})
	if err != nil {
		return err
	}
	l := res.Ledger
	x.exactly("notified", jobs, l.Notified)
	x.exactly("lost", 0, l.Lost)
	x.exactly("duplicated", 3*each, l.Duplicated)
	x.exactly("out of order", each, l.OutOfOrder)
	x.exactly("foreign", 2*each, l.Foreign)
	x.exactly("corrupt", each, l.Corrupt)
	x.exactly("unreadable", each, l.Unreadable)
	return nil
}

// legs adds a row for each leg on which jobs were lost, or should have been.
func (x *Experiment) legs(r *result.Result, planted map[result.Leg]int64) {
	for _, leg := range result.Legs() {
		if got := r.Ledger.LostByLeg[leg]; planted[leg] > 0 || got > 0 {
			x.exactly("lost, "+string(leg), planted[leg], got)
		}
	}
}

// hangingProducer never writes the given job and waits for ever.
type hangingProducer struct {
	jobqueue.Producer
	job int64
}

func (p hangingProducer) Push(ctx context.Context, jobs ...[]byte) error {
	if n, ok := number(jobs[0]); ok && n == p.job {
		<-ctx.Done()
		return ctx.Err()
	}
	return p.Producer.Push(ctx, jobs...)
}

// endlessWaiter lets the first waits for work last until Stop. Work is known by its
// length, less what has passed since it began; no due time is likely to be that far away.
type endlessWaiter struct {
	waiter.Waiter
	work    time.Duration
	endless int64
	begun   *atomic.Int64
	stop    chan struct{}
	once    sync.Once
}

func (w *endlessWaiter) Wait(d time.Duration) bool {
	const passed = 50 * time.Microsecond
	if d > w.work-passed && d <= w.work && w.begun.Add(1) <= w.endless {
		<-w.stop
		return false
	}
	return w.Waiter.Wait(d)
}

func (w *endlessWaiter) Stop() {
	w.once.Do(func() { close(w.stop) })
	w.Waiter.Stop()
}
