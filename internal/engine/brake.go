package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/stopreason"
)

// brakePeriod is how often it is looked at how many jobs are on their way.
const brakePeriod = 20 * time.Millisecond

// brake keeps the account of how many more jobs may be sent, and ends the load
// when too many wait.
func (r *run) brake(ctx context.Context) {
	if !r.s.Load.Open() && r.s.Load.MaxBacklog == 0 {
		return
	}
	tick := time.NewTicker(brakePeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// What producers take between the two is forgotten for one period, so
		// the bound can be passed by what they send in that moment.
		r.room.Store(int64(r.s.Load.MaxInFlight) - r.outstanding())
		if most := r.s.Load.MaxBacklog; most > 0 {
			if waiting := r.waiting(); waiting > most && r.cut.Load() == never {
				at := time.Duration(r.now())
				r.brakeOnce(fmt.Sprintf("the run was ended by max_backlog: at %.1f s more than %d jobs waited in the queue", at.Seconds(), most))
				r.shorten(stopreason.MaxBacklog, at)
			}
		}
	}
}

// waiting is how many jobs wait in the queue: by our own account, or as the server
// said last where workers that are not ours take them.
func (r *run) waiting() int64 {
	if r.s.External {
		return r.sampler.length()
	}
	t := ledger.Sum(r.tallies)
	return t[ledger.Acked] - t[ledger.Popped]
}

// capped notes that the load was held back by the bound of jobs in flight.
func (r *run) capped() {
	r.brakeOnce(fmt.Sprintf("at %.1f s the load was held back by max_in_flight: %d jobs were on their way; from then on jobs were sent late, and this is not the load that was asked for",
		time.Duration(r.now()).Seconds(), r.s.Load.MaxInFlight))
}

// brakeOnce keeps the first reason.
func (r *run) brakeOnce(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.braked == "" {
		r.braked = reason
	}
}
