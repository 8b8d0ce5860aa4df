package jobqueue

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// reapTimeout is how long the close of a consumer may wait for a server that
// hangs while it is looked for dead workers.
const reapTimeout = 2 * time.Second

// reaper gives back what dead workers of a reliable list had in hands, while a
// consumer of this client is open.
type reaper struct {
	mu    sync.Mutex
	users int
	stop  context.CancelFunc
	done  chan struct{}
}

// reapWhileOpen looks for dead workers of one home at once, and then for those of
// all twice in each Visibility, until what it returns has been called by all who
// asked. It runs beside the consumers, on the client's own connections, so that
// no job's way takes longer for it.
func (c *Client) reapWhileOpen(ctx context.Context, home string) (release func(), err error) {
	if err := c.reap(ctx, home); err != nil {
		return nil, c.explain("look for dead workers of", home, err)
	}
	r := &c.reaper
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users++; r.users == 1 {
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		r.stop, r.done = stop, done
		go func() {
			defer close(done)
			c.reapAgain(ctx)
		}()
	}
	return sync.OnceFunc(r.release), nil
}

func (r *reaper) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users--; r.users == 0 {
		r.stop()
		<-r.done
	}
}

func (c *Client) reapAgain(ctx context.Context) {
	tick := time.NewTicker(c.cfg.Visibility / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			// The right to do it was there when the consumer was opened. A
			// server that is away or hangs will be asked again.
			within, cancel := context.WithTimeout(ctx, reapTimeout)
			var homes sync.WaitGroup // a node that hangs holds up its own queues only
			for _, home := range c.homes() {
				homes.Go(func() { _ = c.reap(within, home) })
			}
			homes.Wait()
			cancel()
		}
	}
}

// reap gives the jobs of dead workers back. One client does it for all: the
// others find its lock.
func (c *Client) reap(ctx context.Context, home string) error {
	mine, err := c.rdb.SetNX(ctx, reaperKey(home), "1", c.cfg.Visibility*2/5).Result()
	if err != nil || !mine {
		return err
	}
	ids, err := c.rdb.SMembers(ctx, workersKey(home)).Result()
	if err != nil {
		return err
	}
	signs := make([]*redis.IntCmd, len(ids))
	pipe := c.rdb.Pipeline()
	for i, id := range ids {
		signs[i] = pipe.Exists(ctx, aliveKey(home, id))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	for i, id := range ids {
		if signs[i].Val() == 0 {
			if err := c.bury(ctx, home, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// bury gives back what a dead worker had in hands and forgets the worker.
func (c *Client) bury(ctx context.Context, home, id string) error {
	for i, queue := range c.lanes.queues {
		if c.home(i) != home {
			continue
		}
		list := c.processingKey(i, id)
		for {
			// The newest goes first, so that in the end the oldest is taken next.
			err := c.rdb.LMove(ctx, list, queue, "LEFT", "RIGHT").Err()
			if errors.Is(err, redis.Nil) {
				break
			}
			if err != nil {
				return err
			}
		}
	}
	if err := c.rdb.SRem(ctx, workersKey(home), id).Err(); err != nil {
		return err
	}
	// It may have come back to life in the meantime.
	alive, err := c.rdb.Exists(ctx, aliveKey(home, id)).Result()
	if err == nil && alive > 0 {
		err = c.rdb.SAdd(ctx, workersKey(home), id).Err()
	}
	return err
}

// clearReliable removes all that a reliable list keeps beside the queues of a
// home.
func (c *Client) clearReliable(ctx context.Context, home string) error {
	ids, err := c.rdb.SMembers(ctx, workersKey(home)).Result()
	if err != nil {
		return err
	}
	var keys []string
	for _, id := range ids {
		for i := range c.lanes.queues {
			if c.home(i) == home {
				keys = append(keys, c.processingKey(i, id))
			}
		}
		keys = append(keys, aliveKey(home, id))
	}
	return c.removeKeys(ctx, append(keys, workersKey(home), reaperKey(home)))
}
