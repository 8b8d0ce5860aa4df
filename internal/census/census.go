// Package census counts the clients that connect to Redis servers after a moment, and
// what they do. Begin reading at [Take].
package census

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// ErrWithheld is returned by [Snapshot.Since] if the server does not report who is
// connected. Asking again is pointless.
var ErrWithheld = errors.New("the server does not tell who is connected")

// ConnectedClients is what connections do that were not there before.
type ConnectedClients struct {
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
	// Counted says that the server reports only how many clients there are: then
	// Asking and Scripts are 0, and clients that left hide those that came. Mute says
	// that it does not even report how many wait.
	Counted, Mute bool
}

// add adds the turnout of another node.
func (t *ConnectedClients) add(o ConnectedClients) {
	t.Connected += o.Connected
	t.Waiting += o.Waiting
	t.Asking += o.Asking
	t.Scripts += o.Scripts
	if o.Elsewhere > 0 {
		t.Elsewhere, t.ElsewhereDB = t.Elsewhere+o.Elsewhere, o.ElsewhereDB
	}
	t.Counted, t.Mute = t.Counted || o.Counted, t.Mute || o.Mute
}

// Snapshot is who was connected to the servers of some queues at one moment.
// [Snapshot.Since] counts the connections that were opened later, such as those of
// workers that were started then. On a shared server it counts other clients, too.
type Snapshot struct {
	s    *redisconn.Servers
	keys []string
	at   map[string]nodeClients // by the node's address
}

// nodeClients is what a node says of its connections. Where it lists them, last is
// the highest id; otherwise there are only their numbers, waiting being -1 where it
// is withheld.
type nodeClients struct {
	listed             bool
	db                 int // of the queue
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

// Take asks the nodes of the keys. What they withhold is no error here.
func Take(ctx context.Context, s *redisconn.Servers, keys []string) (*Snapshot, error) {
	n := &Snapshot{s: s, keys: keys, at: map[string]nodeClients{}}
	err := n.each(ctx, func(addr string, now nodeClients) { n.at[addr] = now })
	if errors.Is(err, ErrWithheld) {
		err = nil
	}
	return n, err
}

// Since is what the connections do that were opened since.
func (n *Snapshot) Since(ctx context.Context) (ConnectedClients, error) {
	var all ConnectedClients
	err := n.each(ctx, func(addr string, now nodeClients) { all.add(now.since(n.at[addr])) })
	return all, err
}

// each asks every node of the keys.
func (n *Snapshot) each(ctx context.Context, report func(addr string, now nodeClients)) error {
	var asked []string
	for _, key := range n.keys {
		addr, err := n.s.Find(ctx, key)
		if err != nil {
			return n.s.Explain("look for the node of", key, err)
		}
		if slices.Contains(asked, addr) {
			continue
		}
		asked = append(asked, addr)
		now, err := listClients(ctx, n.s.Node(addr))
		now.db = n.s.Database()
		if errors.Is(err, ErrWithheld) {
			return err
		}
		if err != nil {
			return redisconn.Explain("ask who is connected", addr, err)
		}
		report(addr, now)
	}
	return nil
}

// listClients asks for the list of connections, and where that is refused, for
// their number.
func listClients(ctx context.Context, rdb *redisconn.Node) (nodeClients, error) {
	text, err := rdb.ClientList(ctx).Result()
	if err == nil {
		return readClients(text), nil
	}
	if !redisconn.Unsupported(err) {
		return nodeClients{}, err
	}
	if text, err = rdb.Info(ctx, "clients").Result(); err != nil && redisconn.Unsupported(err) {
		return nodeClients{}, fmt.Errorf("%w: %s", ErrWithheld, redisconn.Brief(err))
	}
	return readCounts(text), err
}

// readClients reads CLIENT LIST.
func readClients(text string) nodeClients {
	now := nodeClients{listed: true}
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
func readCounts(text string) nodeClients {
	now := nodeClients{waiting: -1}
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

// since is what is new since a nodeClients before.
func (now nodeClients) since(before nodeClients) ConnectedClients {
	if !now.listed {
		t := ConnectedClients{Counted: true, Mute: now.waiting < 0, Connected: int(max(0, now.connected-before.connected))}
		if !t.Mute {
			t.Waiting = int(max(0, now.waiting-max(0, before.waiting)))
		}
		return t
	}
	var t ConnectedClients
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
	case slices.Contains(popCommands, one.command):
		return asks
	}
	return somethingElse
}

// popCommands are the commands by which a worker takes a job.
var popCommands = []string{
	"brpop", "blpop", "brpoplpush", "blmove", "blmpop", "bzpopmin", "bzpopmax", "bzmpop",
	"rpop", "lpop", "rpoplpush", "lmove", "lmpop", "zpopmin", "zpopmax", "zmpop", "spop",
	"xreadgroup", "xread", "xautoclaim", "xclaim",
}
