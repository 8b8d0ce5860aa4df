package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/resp"
)

// group is the one consumer group of a stream: all workers share the jobs.
const group = "workers"

// makeGroup makes the stream and its group, where they are not there yet. The
// group begins with the oldest job, not with the next.
func makeGroup(ctx context.Context, rdb redis.Cmdable, key string) error {
	err := rdb.XGroupCreateMkStream(ctx, key, group, "0").Err()
	if err != nil && strings.HasPrefix(err.Error(), "BUSYGROUP") {
		return nil
	}
	return err
}

// streamStrategy takes by XREADGROUP, and now and then by XAUTOCLAIM.
type streamStrategy struct {
	c     *consumer
	id    string
	held  held
	queue int      // that was asked
	claim bool     // by XAUTOCLAIM
	ended []handle // of over, to be used again
}

func (c *Client) openStream(ctx context.Context, n *consumer) (strategy, error) {
	for _, i := range n.queues {
		if err := n.first(func(rdb redis.Cmdable) error { return makeGroup(ctx, rdb, c.lanes.queues[i]) }); err != nil {
			return nil, c.explain("make the group of", c.lanes.queues[i], err)
		}
	}
	return &streamStrategy{c: n, id: workerID()}, nil
}

func (t *streamStrategy) ask(queue, most int, block time.Duration) {
	c, out := t.c, t.c.w.Out
	key, visibility := c.client.lanes.queues[queue], c.client.cfg.Visibility
	t.queue = queue
	var from string
	if from, t.claim = c.client.claims[queue].due(time.Now(), visibility/2); t.claim {
		out = append(out, "*8\r\n$10\r\nXAUTOCLAIM\r\n"...)
		out = resp.AppendWord(out, key)
		out = resp.AppendWord(out, group)
		out = resp.AppendWord(out, t.id)
		out = resp.AppendNumber(out, visibility.Milliseconds())
		out = resp.AppendWord(out, from)
		out = append(out, "$5\r\nCOUNT\r\n"...)
		c.w.Out = resp.AppendNumber(out, int64(most))
		return
	}
	words := 9
	if block > 0 {
		words += 2
	}
	out = resp.AppendHead(out, words)
	out = append(out, "$10\r\nXREADGROUP\r\n$5\r\nGROUP\r\n"...)
	out = resp.AppendWord(out, group)
	out = resp.AppendWord(out, t.id)
	out = append(out, "$5\r\nCOUNT\r\n"...)
	out = resp.AppendNumber(out, int64(most))
	if block > 0 {
		out = append(out, "$5\r\nBLOCK\r\n"...)
		out = resp.AppendNumber(out, int64(max(block, time.Millisecond)/time.Millisecond)) // 0 would mean for ever
	}
	out = append(out, "$7\r\nSTREAMS\r\n"...)
	out = resp.AppendWord(out, key)
	c.w.Out = append(out, "$1\r\n>\r\n"...)
}

func (t *streamStrategy) answer() (again bool, err error) {
	if t.claim {
		again, err = t.claimed()
	} else {
		err = t.read()
	}
	if err == nil {
		return again, nil
	}
	var reply *resp.ReplyError
	if errors.As(err, &reply) && (strings.HasPrefix(reply.Text, "NOGROUP") || strings.HasPrefix(reply.Text, "UNBLOCKED")) {
		// The queue was cleared. The answer was the last one, so that we are
		// still in step.
		ctx, cancel := context.WithTimeout(context.Background(), redisconn.AnswerTimeout)
		defer cancel()
		return true, t.c.first(func(rdb redis.Cmdable) error { return makeGroup(ctx, rdb, t.c.client.lanes.queues[t.queue]) })
	}
	return false, err
}

// claimed reads the answer to XAUTOCLAIM. If there was nothing, the new jobs
// have to be asked for yet.
func (t *streamStrategy) claimed() (again bool, err error) {
	in := &t.c.w.In
	parts, err := in.Array()
	if err != nil {
		return false, err
	}
	if parts != 2 && parts != 3 {
		return false, resp.ProtocolError("%d elements for XAUTOCLAIM", parts)
	}
	cursor, err := in.Bulk()
	if err != nil {
		return false, err
	}
	at := string(cursor)
	if err := t.entries(); err != nil {
		return false, err
	}
	if parts == 3 { // the ids of jobs that were removed, since Redis 7
		n, err := in.Array()
		if err != nil {
			return false, err
		}
		for range n {
			if _, err := in.Bulk(); err != nil {
				return false, err
			}
		}
	}
	got := len(t.c.jobs) > 0
	t.c.client.claims[t.queue].ended(at, got || at != "0-0")
	t.claim = false
	return !got, nil
}

// read reads the answer to XREADGROUP.
func (t *streamStrategy) read() error {
	in := &t.c.w.In
	streams, flat, err := in.Pairs()
	if err != nil {
		return err
	}
	for range streams {
		if err := streamHead(in, flat); err != nil {
			return err
		}
		if err := t.entries(); err != nil {
			return err
		}
	}
	return nil
}

// streamHead reads what stands before the entries of one stream: a list of two and its key,
// or the key alone.
func streamHead(in *resp.Reader, flat bool) error {
	if !flat {
		if n, err := in.Array(); err != nil {
			return err
		} else if n != 2 {
			return resp.ProtocolError("%d elements for a stream", n)
		}
	}
	_, err := in.Bulk()
	return err
}

// entries reads a list of jobs. The value of an entry's first field is the job.
func (t *streamStrategy) entries() error {
	in := &t.c.w.In
	n, err := in.Array()
	if err != nil {
		return err
	}
	for range n {
		parts, err := in.Array()
		if err != nil {
			return err
		}
		if parts < 0 { // was removed while it was unfinished; Redis 6.2 says so like this
			continue
		}
		if parts != 2 {
			return resp.ProtocolError("%d elements for an entry", parts)
		}
		id, err := in.Bulk()
		if err != nil {
			return err
		}
		t.held.push(t.queue, id)
		words, err := in.Array()
		if err != nil {
			return err
		}
		if words < 2 {
			return resp.ProtocolError("%d words in an entry", words)
		}
		for i := range words {
			if i == 1 {
				_, _, err = t.c.take()
			} else {
				_, err = in.Bulk()
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// over says that the jobs are over, and removes them, so that the stream's
// length is what waits and what is worked on: by one command each for all jobs
// of a queue.
func (t *streamStrategy) over(n int) (answers, said int) {
	t.ended = t.ended[:0]
	for range n {
		h, ok := t.held.pop()
		if !ok {
			break
		}
		t.ended = append(t.ended, h)
	}
	for _, queue := range t.c.queues {
		ids := 0
		for _, h := range t.ended {
			if h.queue == queue {
				ids++
			}
		}
		if ids == 0 {
			continue
		}
		key, out := t.c.client.lanes.queues[queue], t.c.w.Out
		out = resp.AppendHead(out, 3+ids)
		out = append(out, "$4\r\nXACK\r\n"...)
		out = resp.AppendWord(out, key)
		out = resp.AppendWord(out, group)
		out = t.appendEnded(out, queue)
		out = resp.AppendHead(out, 2+ids)
		out = append(out, "$4\r\nXDEL\r\n"...)
		out = resp.AppendWord(out, key)
		t.c.w.Out = t.appendEnded(out, queue)
		answers += 2
	}
	return answers, len(t.ended)
}

// appendEnded appends the ids of the queue's jobs that have ended.
func (t *streamStrategy) appendEnded(out []byte, queue int) []byte {
	for _, h := range t.ended {
		if h.queue == queue {
			out = resp.AppendWord(out, h.text)
		}
	}
	return out
}

// leave removes the consumer from the group, unless it has unfinished jobs, which
// would be forgotten with it.
func (t *streamStrategy) leave(inStep bool) {
	if !inStep || t.held.n.Load() > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, i := range t.c.queues {
		// What stays because of an error is a name.
		t.c.client.rdb.XGroupDelConsumer(ctx, t.c.client.lanes.queues[i], group, t.id)
	}
}

func (t *streamStrategy) unsent(n int) { t.held.back(n) }

func (t *streamStrategy) moved(c *consumer) { t.c = c }

// streamLen is how many jobs of the streams were not given to any worker yet.
func (c *Client) streamLen(ctx context.Context, keys []string) (sum int64, err error) {
	pipe := c.rdb.Pipeline()
	all, given := make([]*redis.IntCmd, len(keys)), make([]*redis.XPendingCmd, len(keys))
	for i, key := range keys {
		all[i], given[i] = pipe.XLen(ctx, key), pipe.XPending(ctx, key, group)
	}
	if _, err := pipe.Exec(ctx); err != nil && !redisconn.IsErrorReply(err) && !errors.Is(err, redis.Nil) {
		return 0, err
	}
	for i := range keys {
		n, err := all[i].Result()
		if err != nil {
			return 0, err
		}
		pending, err := given[i].Result()
		switch {
		case err == nil:
			// Between the two answers a worker may have been given a job.
			n = max(0, n-pending.Count)
		case errors.Is(err, redis.Nil):
		case !strings.HasPrefix(err.Error(), "NOGROUP"):
			return 0, err
		case n > 0:
			if n, err = c.unread(ctx, keys[i], n); err != nil {
				return 0, err
			}
		}
		sum += n
	}
	return sum, nil
}

// streamPeek is up to n jobs from the given one on that were not given to any
// worker yet.
func (c *Client) streamPeek(ctx context.Context, key string, from, n int64) ([]string, error) {
	given, err := c.given(ctx, key)
	if err != nil && !redisconn.IsErrorReply(err) {
		return nil, err
	}
	entries, err := c.rdb.Do(ctx, "XRANGE", key, given, "+", "COUNT", from+n).Slice()
	if err != nil {
		return nil, err
	}
	var jobs []string
	for i, e := range entries {
		if int64(i) < from {
			continue
		}
		if pair, ok := e.([]any); ok && len(pair) == 2 {
			if fields, ok := pair[1].([]any); ok && len(fields) > 1 {
				job, _ := fields[1].(string)
				jobs = append(jobs, job)
			}
		}
	}
	return jobs, nil
}

// unread is how many of a stream's n entries wait when it has another group than ours:
// those that its only group has not read, or all of them without a group. With
// several groups it is unknown which of them are waiting.
func (c *Client) unread(ctx context.Context, key string, n int64) (int64, error) {
	groups, err := c.rdb.XInfoGroups(ctx, key).Result()
	switch {
	case redisconn.IsErrorReply(err) || err == nil && len(groups) == 0:
		return n, nil
	case err != nil:
		return 0, err
	case len(groups) > 1:
		return 0, fmt.Errorf("the stream has %d groups and none named %q: which of them its workers are of is not known", len(groups), group)
	case groups[0].Lag >= 0:
		return groups[0].Lag, nil
	}
	return max(0, n-groups[0].Pending), nil // of a server that does not tell
}

// given is where the range of the jobs begins that no worker has been given yet: the
// whole stream if it has no group, or if the server does not report it. If its only
// group is another than ours, that is the workers'.
func (c *Client) given(ctx context.Context, key string) (start string, err error) {
	groups, err := c.rdb.XInfoGroups(ctx, key).Result()
	for _, g := range groups {
		if g.Name == group || len(groups) == 1 {
			return "(" + g.LastDeliveredID, nil
		}
	}
	return "-", err
}
