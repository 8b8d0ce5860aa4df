package jobqueue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/resp"
)

// A reliable list keeps, besides each queue, a list of the unfinished jobs of each
// worker. A live worker renews a key that would expire by itself; the unfinished jobs
// of a worker without such a key go back to the end of the queue where they are taken
// next. All names share the queue's hash tag, so that in a Redis Cluster they are in
// the queue's slot.

// tagged is the beginning of the names of what belongs to a queue.
func tagged(queue string) string {
	if from := strings.IndexByte(queue, '{'); from >= 0 && strings.IndexByte(queue[from:], '}') > 1 {
		return queue
	}
	return "{" + queue + "}"
}

// The names of what a reliable list keeps. A home is what all of them begin with
// that belongs together: see [Client.home].
func workersKey(home string) string   { return tagged(home) + ":workers" }
func reaperKey(home string) string    { return tagged(home) + ":reaper" }
func aliveKey(home, id string) string { return tagged(home) + ":alive:" + id }
func (c *Client) processingKey(queue int, id string) string {
	key := tagged(c.home(queue)) + ":processing:" + id
	if len(c.lanes.queues) > 1 && !c.crossSlot {
		key += fmt.Sprintf(":%d", queue)
	}
	return key
}

// workerID is a name that no two workers share.
func workerID() string { return strings.ToLower(rand.Text()[:16]) }

// reliableStrategy takes by BLMOVE and LMOVE.
type reliableStrategy struct {
	c      *consumer
	id     string
	home   string   // of all its queues
	lists  []string // of unfinished jobs, by queue
	held   held
	signed time.Time // of the last sign of life
	unread bool      // a sign whose answers were not read yet
	// What was asked for, for answer.
	queue, max int
	release    func()
}

func (c *Client) openReliable(ctx context.Context, n *consumer) (strategy, error) {
	home := c.home(n.queues[0])
	if err := n.first(func(rdb redis.Cmdable) error { return c.reap(ctx, rdb, home) }); err != nil {
		return nil, c.explain("look for dead workers of", home, err)
	}
	release := c.reapWhileOpen()
	t := &reliableStrategy{c: n, id: workerID(), home: home, release: release}
	for i := range c.lanes.queues {
		t.lists = append(t.lists, c.processingKey(i, t.id))
	}
	return t, nil
}

// ask appends the commands that move up to max jobs. The sign of life goes with
// them, so that no worker without a sign of life ever has a job. It
// lasts until Visibility after the job was taken, and longer: for a quarter of
// it no new one is given, and for another quarter a BLMOVE may block.
func (t *reliableStrategy) ask(queue, max int, block time.Duration) {
	c, out := t.c, t.c.w.Out
	visibility := c.client.cfg.Visibility
	if now := time.Now(); now.Sub(t.signed) > visibility/4 {
		out = append(out, "*3\r\n$4\r\nSADD\r\n"...)
		out = resp.AppendWord(out, workersKey(t.home))
		out = resp.AppendWord(out, t.id)
		out = append(out, "*5\r\n$3\r\nSET\r\n"...)
		out = resp.AppendWord(out, aliveKey(t.home, t.id))
		out = append(out, "$1\r\n1\r\n$2\r\nPX\r\n"...)
		out = resp.AppendNumber(out, (visibility + visibility/2).Milliseconds())
		t.signed, t.unread = now, true
	}
	t.queue, t.max = queue, max
	from, to := c.client.lanes.queues[queue], t.lists[queue]
	for i := range max {
		if i == 0 && block > 0 {
			out = append(out, "*6\r\n$6\r\nBLMOVE\r\n"...)
		} else {
			out = append(out, "*5\r\n$5\r\nLMOVE\r\n"...)
		}
		out = resp.AppendWord(out, from)
		out = resp.AppendWord(out, to)
		out = append(out, "$5\r\nRIGHT\r\n$4\r\nLEFT\r\n"...)
		if i == 0 && block > 0 {
			out = appendSeconds(out, block, true)
		}
	}
	c.w.Out = out
}

func (t *reliableStrategy) answer() (again bool, err error) {
	c := t.c
	if t.unread {
		t.unread = false
		if _, err := c.w.In.Integer(); err != nil {
			return false, err
		}
		if _, _, err := c.w.In.Head(); err != nil { // OK
			return false, err
		}
	}
	for range t.max {
		job, ok, err := c.take()
		if err != nil {
			return false, err
		}
		if ok { // an empty text is a job, too
			t.held.push(t.queue, job)
		}
	}
	return false, nil
}

// over removes each job from the worker's list, by its text: the list may have
// been emptied by others who thought us dead, and filled again by us. The oldest
// is at the right end, so it is found at once.
func (t *reliableStrategy) over(n int) (answers, said int) {
	for range n {
		h, ok := t.held.pop()
		if !ok {
			break
		}
		out := append(t.c.w.Out, "*4\r\n$4\r\nLREM\r\n"...)
		out = resp.AppendWord(out, t.lists[h.queue])
		out = append(out, "$2\r\n-1\r\n"...)
		t.c.w.Out = resp.AppendWord(out, h.text)
		answers++
	}
	return answers, answers
}

// leave removes the worker from the list of workers, unless it has unfinished jobs:
// then it is found there without a sign of life, and they are given to another.
func (t *reliableStrategy) leave(inStep bool) {
	t.release()
	if !inStep || t.held.n.Load() > 0 || t.signed.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	// What stays because of an error expires, or is removed by the next reaper.
	t.c.client.rdb.SRem(ctx, workersKey(t.home), t.id)
	t.c.client.rdb.Del(ctx, aliveKey(t.home, t.id))
}

// unsent makes the next question give a sign of life: this one may have had it.
func (t *reliableStrategy) unsent(n int) {
	t.held.back(n)
	t.signed, t.unread = time.Time{}, false
}

// moved makes the next question give a sign of life: the server may have been started
// again meanwhile, without the last one.
func (t *reliableStrategy) moved(c *consumer) { t.c, t.signed = c, time.Time{} }

// reapTimeout is how long the close of a consumer may wait for a server that
// hangs while it is looked for dead workers.
const reapTimeout = 2 * time.Second

// reaper gives back the unfinished jobs of dead workers of a reliable list, while a
// consumer of this client is open.
type reaper struct {
	mu    sync.Mutex
	users int
	stop  context.CancelFunc
	done  chan struct{}
}

// reapWhileOpen looks for the dead workers of all homes twice in each Visibility, until
// every caller has called release. It runs on the client's connections, so that it delays
// no consumer.
func (c *Client) reapWhileOpen() (release func()) {
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
	return sync.OnceFunc(r.release)
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
				homes.Go(func() { _ = c.reap(within, c.rdb, home) })
			}
			homes.Wait()
			cancel()
		}
	}
}

// reap gives the jobs of dead workers back. One client does it for all: the
// others find its lock.
func (c *Client) reap(ctx context.Context, rdb redis.Cmdable, home string) error {
	mine, err := rdb.SetNX(ctx, reaperKey(home), "1", c.cfg.Visibility*2/5).Result()
	if err != nil || !mine {
		return err
	}
	ids, err := rdb.SMembers(ctx, workersKey(home)).Result()
	if err != nil {
		return err
	}
	signs := make([]*redis.IntCmd, len(ids))
	pipe := rdb.Pipeline()
	for i, id := range ids {
		signs[i] = pipe.Exists(ctx, aliveKey(home, id))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	for i, id := range ids {
		if signs[i].Val() == 0 {
			if err := c.bury(ctx, rdb, home, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// bury gives back the unfinished jobs of a dead worker and forgets the worker.
func (c *Client) bury(ctx context.Context, rdb redis.Cmdable, home, id string) error {
	for i, queue := range c.lanes.queues {
		if c.home(i) != home {
			continue
		}
		list := c.processingKey(i, id)
		for {
			// The newest goes first, so that in the end the oldest is taken next.
			err := rdb.LMove(ctx, list, queue, "LEFT", "RIGHT").Err()
			if errors.Is(err, redis.Nil) {
				break
			}
			if err != nil {
				return err
			}
		}
	}
	if err := rdb.SRem(ctx, workersKey(home), id).Err(); err != nil {
		return err
	}
	// It may have come back to life in the meantime.
	alive, err := rdb.Exists(ctx, aliveKey(home, id)).Result()
	if err == nil && alive > 0 {
		err = rdb.SAdd(ctx, workersKey(home), id).Err()
	}
	return err
}

// clearReliable removes all keys of a reliable list besides the queues of a home.
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
