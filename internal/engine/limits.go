package engine

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/plan"
	"github.com/queuedyno/queuedyno/internal/stopreason"
)

// limits are max_in_flight and max_backlog at work.
type limits struct {
	room  atomic.Int64 // how many more jobs may be sent
	lock  sync.Mutex
	limit string // which one stopped or held back the load, guarded by lock
}

// limitPeriod is how often the jobs on their way are counted.
const limitPeriod = 20 * time.Millisecond

// watchLimits counts how many more jobs may be sent, and ends the load when too many
// wait.
func (r *run) watchLimits(ctx context.Context) {
	if !r.s.Load.Open() && r.s.Load.MaxBacklog == 0 {
		return
	}
	tick := time.NewTicker(limitPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// What producers take between the two calls is forgotten for one period, so
		// they can exceed the bound by what they send in that moment.
		r.room.Store(plan.MaxInFlight(r.s) - r.outstanding())
		if limit := plan.MaxBacklog(r.s, r.o.Shared); limit > 0 {
			if waiting := r.waiting(); waiting > limit && r.cut.Load() == never {
				at := time.Duration(r.now())
				r.limited(fmt.Sprintf("the run was ended by max_backlog: at %.1f s more than %d jobs waited in the queue", at.Seconds(), limit))
				r.shorten(stopreason.MaxBacklog, at)
			}
		}
	}
}

// waiting is how many jobs wait in the queue: by the run's own account, or as the
// server last said where external workers take them.
func (r *run) waiting() int64 {
	if r.s.External {
		return r.sampler.length()
	}
	t := ledger.Sum(r.tallies)
	return t[ledger.Acked] - t[ledger.Popped]
}

// capped notes that the load was held back by the bound of jobs in flight.
func (r *run) capped() {
	r.limited(fmt.Sprintf("at %.1f s the load was held back by max_in_flight: %d jobs were on their way; from then on jobs were sent late, and the load was not the one requested",
		time.Duration(r.now()).Seconds(), plan.MaxInFlight(r.s)))
}

// limited notes which limit stopped or held back the load. The first one is kept.
func (l *limits) limited(by string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.limit == "" {
		l.limit = by
	}
}
