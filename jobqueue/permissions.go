package jobqueue

import (
	"context"

	"github.com/queuedyno/queuedyno/internal/lane"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/resp"
)

// CheckPermissions checks that the user may take jobs, end them, and publish on each
// channel. It queues these commands in a transaction and discards it: the server
// checks the user's permissions, and whether it takes writes, when a command is
// queued, and carries none out. Without the permission for MULTI and DISCARD nothing
// is checked.
func (c *Client) CheckPermissions(ctx context.Context) error {
	return c.permitted(ctx, c.work)
}

// CheckRunPermissions checks all that a run needs: what CheckPermissions checks, and
// also to push jobs and to subscribe to their updates. It subscribes and leaves again.
func (c *Client) CheckRunPermissions(ctx context.Context) error {
	err := c.permitted(ctx, func(queues []int) []act { return append(c.pushes(queues), c.work(queues)...) })
	if err != nil || c.cfg.Notify == NoNotify {
		return err
	}
	s, err := c.OpenSubscriber(ctx)
	if err != nil {
		return err
	}
	return s.Close()
}

// permitted checks the permissions for the commands that acts lists for some queues.
func (c *Client) permitted(ctx context.Context, acts func(queues []int) []act) error {
	for i, key := range c.lanes.queues {
		queues := []int{i}
		if !c.crossSlot {
			queues = lane.All(len(c.lanes.queues))
		}
		if err := c.checkPermissions(ctx, key, acts(queues)); err != nil || !c.crossSlot {
			return err
		}
	}
	return nil
}

// checkPermissions checks them at the node of a queue. Each command has a round trip of its
// own, so that a refused MULTI lets none through.
func (c *Client) checkPermissions(ctx context.Context, key string, acts []act) error {
	w, err := c.servers.Dial(ctx, key, false)
	if err != nil {
		return err
	}
	defer w.Close()
	defer context.AfterFunc(ctx, w.Abort)()
	say := func(op, name string, words ...string) error {
		w.Out = resp.AppendCommand(w.Out, words...)
		if err := w.Flush(); err != nil {
			return redisconn.ExplainOn(op, name, w.Address(), err)
		}
		if err := w.ExpectWithin(0); err != nil {
			return err
		}
		_, _, err := w.In.Head()
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return redisconn.ExplainOn(op, name, w.Address(), w.Broken(err))
		}
		return nil
	}
	if err := say("check the permissions for", key, "MULTI"); redisconn.Refused(err) || redisconn.HungUp(err) {
		return nil
	} else if err != nil {
		return err
	}
	for _, one := range acts {
		if err := say(one.op, one.name, one.words...); err != nil {
			return err
		}
	}
	if err := say("check the permissions for", key, "DISCARD"); err != nil && !redisconn.Refused(err) {
		return err
	}
	return nil // the end of the connection throws it away as well
}

// act is a command that a consumer issues and what it does it for.
type act struct {
	op, name string
	words    []string
}

// pushes are the commands of a producer for the given queues.
func (c *Client) pushes(queues []int) (all []act) {
	for _, i := range queues {
		key := c.lanes.queues[i]
		if c.cfg.Design == Stream {
			all = append(all, act{"push to", key, []string{"XADD", key, "*", "job", "absent"}})
			continue
		}
		all = append(all, act{"push to", key, []string{"LPUSH", key, "absent"}})
	}
	return all
}

// work are the commands of a consumer of the given queues.
func (c *Client) work(queues []int) []act {
	var all []act
	add := func(op, name string, words ...string) { all = append(all, act{op, name, words}) }
	for _, i := range queues {
		key, home, own := c.lanes.queues[i], c.home(i), c.processingKey(i, "absent")
		switch c.cfg.Design {
		case ListPoll:
			add("pop from", key, "RPOP", key)
		case ReliableList:
			add("give a sign of life for", key, "SADD", workersKey(home), "absent")
			add("give a sign of life for", key, "SET", aliveKey(home, "absent"), "1", "PX", "1")
			add("pop from", key, "BLMOVE", key, own, "RIGHT", "LEFT", "1")
			add("pop from", key, "LMOVE", key, own, "RIGHT", "LEFT")
			add("end a job of", key, "LREM", own, "-1", "absent")
		case Stream:
			add("make the group of", key, "XGROUP", "CREATE", key, group, "0", "MKSTREAM")
			add("pop from", key, "XREADGROUP", "GROUP", group, "absent", "COUNT", "1", "STREAMS", key, ">")
			add("pop from", key, "XAUTOCLAIM", key, group, "absent", "60000", "0-0", "COUNT", "1")
			add("end a job of", key, "XACK", key, group, "0-1")
			add("end a job of", key, "XDEL", key, "0-1")
		default:
			add("pop from", key, "BRPOP", key, "1")
		}
	}
	if c.cfg.Notify == NoNotify {
		return all
	}
	verb := "PUBLISH"
	if c.cfg.Notify == ShardedPubSub {
		verb = "SPUBLISH"
	}
	for _, name := range c.lanes.channels {
		add("publish on", name, verb, name, "")
	}
	return all
}
