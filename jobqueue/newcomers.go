package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// ErrWithheld is returned by [Newcomers.Look] where the server tells nothing of
// who is connected: it may not be asked. There is no point in asking again.
var ErrWithheld = errors.New("the server does not tell who is connected")

// Turnout is what connections do that were not there before.
type Turnout struct {
	// Connected is how many there are.
	Connected int
	// Waiting is how many of them wait in a command until a job comes, and
	// Asking how many have asked for one last and were answered.
	Waiting, Asking int
	// Scripts is how many have run a script or a transaction last, which may be
	// their way of asking.
	Scripts int
	// Elsewhere is how many wait or ask in another database than that of the
	// queue, and ElsewhereDB the number of one of these. They count as connected
	// alone: they take no job of the queue.
	Elsewhere, ElsewhereDB int
	// Counted says that the server tells numbers alone and not what each one
	// does: then Asking and Scripts are 0, and what came and went is not told
	// apart. Mute says that it does not even tell how many wait.
	Counted, Mute bool
}

// add adds the turnout of another node.
func (t *Turnout) add(o Turnout) {
	t.Connected += o.Connected
	t.Waiting += o.Waiting
	t.Asking += o.Asking
	t.Scripts += o.Scripts
	if o.Elsewhere > 0 {
		t.Elsewhere, t.ElsewhereDB = t.Elsewhere+o.Elsewhere, o.ElsewhereDB
	}
	t.Counted, t.Mute = t.Counted || o.Counted, t.Mute || o.Mute
}

// Newcomers tells who connects to the servers of a queue from a moment on:
// workers that were started then. On a server that others use as well, theirs
// cannot be told from these.
type Newcomers struct {
	c      *Client
	before map[string]census // by the node's address
}

// census is what a node says of its connections. Where it lists them, last is
// the highest number that one has; else there are their numbers, waiting being -1
// where that is not told.
type census struct {
	listed             bool
	db                 int // that of the queue
	last               int64
	all                []connection
	connected, waiting int64
}

// connection is a line of CLIENT LIST.
type connection struct {
	id      int64
	command string // the last one, in small letters and without its subcommand
	blocked bool
	db      int
}

// Newcomers looks who is connected now. What the servers do not tell is no
// error here.
func (c *Client) Newcomers(ctx context.Context) (*Newcomers, error) {
	n := &Newcomers{c: c, before: map[string]census{}}
	err := n.each(ctx, func(addr string, now census) { n.before[addr] = now })
	if errors.Is(err, ErrWithheld) {
		err = nil
	}
	return n, err
}

// Look tells what those do that have come since.
func (n *Newcomers) Look(ctx context.Context) (Turnout, error) {
	var t Turnout
	err := n.each(ctx, func(addr string, now census) { t.add(now.since(n.before[addr])) })
	return t, err
}

// each asks every node that serves queues.
func (n *Newcomers) each(ctx context.Context, tell func(addr string, now census)) error {
	var asked []string
	for _, home := range n.c.homes() {
		addr, err := n.c.routes.find(ctx, home)
		if err != nil {
			return n.c.explain("look for the node of", home, err)
		}
		if slices.Contains(asked, addr) {
			continue
		}
		asked = append(asked, addr)
		now, err := takeCensus(ctx, n.c.routes.node(addr))
		now.db = n.c.options.DB
		if errors.Is(err, ErrWithheld) {
			return err
		}
		if err != nil {
			return explain("ask who is connected", addr, err)
		}
		tell(addr, now)
	}
	return nil
}

// takeCensus asks for the list of connections, and where that is refused, for
// their number.
func takeCensus(ctx context.Context, rdb *redis.Client) (census, error) {
	text, err := rdb.ClientList(ctx).Result()
	if err == nil {
		return readClients(text), nil
	}
	if !unanswered(err) {
		return census{}, err
	}
	if text, err = rdb.Info(ctx, "clients").Result(); err != nil && unanswered(err) {
		return census{}, fmt.Errorf("%w: %s", ErrWithheld, brief(err))
	}
	return readCounts(text), err
}

// readClients reads CLIENT LIST.
func readClients(text string) census {
	now := census{listed: true}
	for line := range strings.Lines(text) {
		var one connection
		for field := range strings.FieldsSeq(line) {
			key, value, _ := strings.Cut(field, "=")
			switch key {
			case "id":
				one.id, _ = strconv.ParseInt(value, 10, 64)
			case "db":
				one.db, _ = strconv.Atoi(value)
			case "flags":
				one.blocked = strings.Contains(value, "b")
			case "cmd":
				one.command, _, _ = strings.Cut(strings.ToLower(value), "|")
				if value == "client|list" {
					one.id = 0 // the one that asks
				}
			}
		}
		if one.id > 0 {
			now.all, now.last = append(now.all, one), max(now.last, one.id)
		}
	}
	return now
}

// readCounts reads the section clients of INFO.
func readCounts(text string) census {
	now := census{waiting: -1}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		v, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err != nil:
		case key == "connected_clients":
			now.connected = v
		case key == "blocked_clients":
			now.waiting = v
		}
	}
	return now
}

// since is what is new since a census before.
func (now census) since(before census) Turnout {
	if !now.listed {
		t := Turnout{Counted: true, Mute: now.waiting < 0, Connected: int(max(0, now.connected-before.connected))}
		if !t.Mute {
			t.Waiting = int(max(0, now.waiting-max(0, before.waiting)))
		}
		return t
	}
	var t Turnout
	for _, one := range now.all {
		if one.id <= before.last {
			continue
		}
		t.Connected++
		doing := one.kind()
		if one.db != now.db && doing != somethingElse {
			t.Elsewhere, t.ElsewhereDB = t.Elsewhere+1, one.db
			continue
		}
		switch doing {
		case waits:
			t.Waiting++
		case asks:
			t.Asking++
		case runsScript:
			t.Scripts++
		}
	}
	return t
}

// doing is what a connection does, as far as its last command says.
type doing int

const (
	somethingElse doing = iota
	waits
	asks
	runsScript
)

// kind tells it. WAIT waits for replicas and not for jobs.
func (one connection) kind() doing {
	switch one.command {
	case "wait", "waitaof":
		return somethingElse
	case "eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro", "exec":
		return runsScript
	}
	switch {
	case one.blocked:
		return waits
	case slices.Contains(takers, one.command):
		return asks
	}
	return somethingElse
}

// takers are the commands by which a worker takes a job.
var takers = []string{
	"brpop", "blpop", "brpoplpush", "blmove", "blmpop", "bzpopmin", "bzpopmax", "bzmpop",
	"rpop", "lpop", "rpoplpush", "lmove", "lmpop", "zpopmin", "zpopmax", "zmpop", "spop",
	"xreadgroup", "xread", "xautoclaim", "xclaim",
}
