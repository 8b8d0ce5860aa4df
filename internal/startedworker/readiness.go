package startedworker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/internal/census"
	"github.com/queuedyno/queuedyno/internal/number"
)

const (
	// lookForWorkers is the time between two looks at who is connected.
	lookForWorkers = 50 * time.Millisecond
	// settled is for how long no further connection must have begun to take jobs:
	// workers do not all begin at once. Where it is unknown whether they take
	// jobs, but only that they may, it is settledLikely.
	settled       = 500 * time.Millisecond
	settledLikely = 2 * time.Second
)

var (
	// errWorkerEnded is returned by await when the command has ended.
	errWorkerEnded = errors.New("the worker ended before it took a job")
	// errNotConnected is matched by the error of await if no worker connected in time.
	errNotConnected = errors.New("the worker did not connect to Redis")
)

// readiness finds out when workers that were started can take jobs.
//
// What says so is what the server sees: connections that were not there before,
// and that wait in a command like BRPOP, or poll. Nothing else would be true for
// any worker in any language: it may log what it likes, and a job to try it with
// would be one too many in somebody's queue.
//
// A worker that is connected and is not seen to ask for jobs may be of a kind that
// is not known here: the load begins anyway when the time is over, with a
// warning. One that never connected cannot take a job, and a load without workers is
// refused: its figures would be those of a queue that fills up.
type readiness struct {
	look  func(context.Context) (census.ConnectedClients, error)
	ended <-chan struct{}
	most  time.Duration
}

// ready is how workers were found to be ready.
type ready struct {
	what    string
	after   time.Duration // since the wait began
	warning string        // what every report has to say of it, or ""
}

// await waits until they are ready.
func (r readiness) await(ctx context.Context) (ready, error) {
	tick := time.NewTicker(lookForWorkers)
	defer tick.Stop()
	began := time.Now()
	takes, likely := growing{since: began}, growing{since: began}
	connected, blind := 0, false
	var last census.ConnectedClients
	for {
		select {
		case <-r.ended:
			return ready{}, errWorkerEnded
		case <-ctx.Done():
			return ready{}, ctx.Err()
		case <-tick.C:
		}
		if !blind {
			t, err := r.look(ctx)
			switch blind = errors.Is(err, census.ErrWithheld); {
			case err != nil && !blind:
				return ready{}, err
			case t.Mute:
				likely.see(t.Connected)
			default:
				takes.see(t.Waiting + t.Asking)
				likely.see(t.Waiting + t.Asking + t.Scripts)
			}
			connected, last = t.Connected, t
		}
		switch {
		case takes.still(settled):
			return ready{what: waitFor(takes.most), after: takes.since.Sub(began)}, nil
		case takes.most == 0 && likely.still(settledLikely):
			return ready{what: "there came " + number.Plural(likely.most, "connection"), after: likely.since.Sub(began)}, nil
		case time.Since(began) < r.most:
		case blind:
			const why = "the server does not tell who is connected"
			return ready{why, r.most, fmt.Sprintf("%s: the load began %s after the worker was started, whether it was ready or not", why, r.most)}, nil
		case last.Elsewhere > 0:
			why := fmt.Sprintf("%s for jobs in database %d, and the queue is in another one: the worker has to use the database of REDIS_URL", number.Plural(last.Elsewhere, "connection")+verb(last.Elsewhere, " waits", " wait"), last.ElsewhereDB)
			return ready{why, r.most, fmt.Sprintf("the load began %s after the worker was started: %s", r.most, why)}, nil
		case connected > 0:
			const why = "a client has connected since, and was not seen to take from a queue"
			return ready{why, r.most, fmt.Sprintf("the load began %s after the worker was started: %s", r.most, why)}, nil
		default:
			return ready{}, fmt.Errorf("%w within %s", errNotConnected, r.most)
		}
	}
}

// waitFor says what so many connections of workers wait for, as far as it is known.
func waitFor(n int) string {
	return number.Plural(n, "connection") + verb(n, " waits", " wait") + " for jobs in the queue's database (for which key, the server does not tell)"
}

// verb is the form of a verb for so many.
func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// growing is a number that grows now and then, and since when it has not.
type growing struct {
	most  int
	since time.Time
}

func (g *growing) see(n int) {
	if n > g.most {
		g.most, g.since = n, time.Now()
	}
}

// still reports whether it is above zero and has not grown for so long.
func (g *growing) still(d time.Duration) bool { return g.most > 0 && time.Since(g.since) >= d }
