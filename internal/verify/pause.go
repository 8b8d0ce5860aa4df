package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// The pause: a fault of the scenario, with time before it to compare with and time after
// it for the drain and for the recovery to show.
const (
	pauseLength = 2 * time.Second
	pauseAt     = 4 * time.Second
	pauseSpan   = 14 * time.Second
)

// pausing is the scenario.
func pausing() scenario.Scenario {
	return scenario.Scenario{
		Name:      "verify-pause",
		Load:      scenario.Load{Rate: pace.PerSecond(stallRate), Duration: pauseSpan},
		Consumers: 16, Work: scenario.Work{Time: 4 * time.Millisecond}, DrainTimeout: 10 * time.Second,
		Faults: []scenario.Fault{{At: pauseAt, For: pauseLength, Kind: scenario.PauseFault, Target: scenario.RedisTarget}},
	}
}

// pausedServer lets a fault pause the server.
type pausedServer struct {
	stall func(ctx context.Context, d time.Duration) error
	over  func() // is called after a pause
	end   context.CancelFunc
	ended chan error
}

// Pause returns when the server is about to stop: within the time that it takes to start
// a goroutine. No stall is longer than a minute.
func (p *pausedServer) Pause(ctx context.Context, _ time.Duration) error {
	ctx, p.end = context.WithCancel(context.WithoutCancel(ctx))
	p.ended = make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		close(begun)
		p.ended <- p.stall(ctx, time.Minute)
	}()
	<-begun
	return nil
}

// Resume lets the server go on. It does nothing without a pause.
func (p *pausedServer) Resume(ctx context.Context) error {
	if p.end == nil {
		return nil
	}
	p.end()
	p.end = nil
	err := <-p.ended
	p.over()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (p *pausedServer) Kill(context.Context) error    { return errNotKilled }
func (p *pausedServer) Restart(context.Context) error { return errNotKilled }

// errNotKilled is why the server of an experiment is not killed.
var errNotKilled = errors.New("the server of an experiment is paused only")

// pauseAsFault pauses the server by a fault, and holds what the run says of the fault
// against theory.
func pauseAsFault(ctx context.Context, r *rig, x *Experiment) error {
	s := stall{arrivals: pace.Constant, loaded: true, fault: true}
	var workers pool
	server := &pausedServer{stall: r.o.Server.Stall, over: func() { workers.left.Store(int64(0.8 * stallRate * pauseLength.Seconds())) }}
	res, err := r.run(ctx, load{Scenario: pausing(), hooks: hooks{consumer: workers.wrap}, server: server})
	if err != nil {
		return err
	}
	f := res.Faults[0]
	if f.BeganNS == nil || f.EndedNS == nil {
		return fmt.Errorf("the server was not paused: %s", f.Error)
	}
	x.exactly("jobs that the fault lost", 0, f.Lost)
	x.exactly("jobs given or notified twice", 0, res.Ledger.Duplicated)
	failed := int64(0)
	for _, n := range res.Ledger.Errors {
		failed += n
	}
	x.exactly("errors", 0, failed)
	length := time.Duration(*f.EndedNS - *f.BeganNS)
	theory, err := s.hold(x, res, length, workers.cycle())
	if err != nil || theory.Length == 0 {
		return err
	}
	// A job is as fast as before when its wait has fallen to what half of the p99 before
	// adds to that. The job that waits X arrives (S-X)/(1-rho) after the pause began and
	// is over X later.
	wait := time.Duration(f.Before.P99NS / 2)
	recovered := scaled(theory.Length-wait, 1/(1-theory.Utilisation)) + wait
	var measured *float64
	if f.RecoveredNS != nil {
		measured = new(ms(length + time.Duration(*f.RecoveredNS)))
	} else {
		x.note("no recovery: %s", f.Why["recovered"])
	}
	x.expectTime("from the begin of the pause until p99 is as before", recovered, measured, scaled(recovered, 0.02))
	affected := stallRate * theory.Drained().Seconds()
	x.expect("jobs that took longer than before", affected, count(f.Affected), 0.05*affected, unitJobs)
	return nil
}

// scaled is d times f.
func scaled(d time.Duration, f float64) time.Duration { return time.Duration(float64(d) * f) }

// count is a number of jobs, null without one.
func count(n *int64) *float64 {
	if n == nil {
		return nil
	}
	return new(float64(*n))
}
