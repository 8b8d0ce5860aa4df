// Package meeting lets the shards of a load start together without a coordinator. They
// meet in the Redis under test: each leaves a mark in one key, and when all marks are
// there, each works out the same moment on the clock of that server. The key is removed
// when the last shard has left. Begin reading at [Meeting.Wait].
package meeting

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

const (
	// lead is the time between the arrival of the last shard and the start, besides
	// twice the longest round trip: every shard must learn of it, and be ready. With each
	// shard it takes leadEach longer, since each reads the marks of all.
	lead     = 250 * time.Millisecond
	leadEach = time.Millisecond
	// patience bounds what is still done after the wait is over.
	patience = 5 * time.Second
	// leftField counts the shards that know the start, and overField says why there will be no start.
	// All other fields are numbers.
	leftField = "left"
	overField = "over"
)

// Options say who meets where.
type Options struct {
	// Name is that of the meeting, the same for all shards.
	Name  string
	Shard pace.Shard
	// Configuration is the same for all shards, or they do not start.
	Configuration string
	// Timeout is how long the shard waits for the others.
	Timeout time.Duration
	// Run is the id of the shard's run, which the others learn.
	Run string
}

// Meeting is a shard's connection to the server on which the shards meet. It is used by
// one goroutine.
type Meeting struct {
	o       Options
	servers *redisconn.Servers
	addr    string      // of the server that has the key
	conn    *redis.Conn // to it
	clock   clock
	nonce   string
	met     *met // nil before
}

// mark is what a shard leaves at the meeting.
type mark struct {
	Nonce         string        `json:"nonce"`
	Run           string        `json:"run,omitempty"`
	Of            int           `json:"of"`
	Configuration string        `json:"configuration"`
	RoundTrip     time.Duration `json:"round_trip_ns"`
	// Arrived is when the shard arrived, on the server's clock as far as the shard knows it.
	Arrived int64 `json:"arrived_ns"`
}

// state is what the key of a meeting holds.
type state struct {
	marks map[int]mark
	over  *MissingError // nil unless a shard has given up
}

// errOver says that another shard has given up.
var errOver = errors.New("another shard has given up")

// Key is the key of the meeting with that name.
func Key(name string) string { return "queuedyno:fleet:" + name }

// Open connects to the server on which the shards meet. It leaves no mark.
func Open(ctx context.Context, cfg redisconn.Config, o Options) (*Meeting, error) {
	servers, err := redisconn.Open(cfg)
	if err != nil {
		return nil, err
	}
	m := &Meeting{o: o, servers: servers, clock: newClock(time.Now()), nonce: rand.Text()}
	addr, err := servers.Find(ctx, m.key())
	if err != nil {
		err = servers.Explain("meet the other shards", m.key(), err)
		return nil, errors.Join(err, servers.Close())
	}
	m.addr, m.conn = addr, servers.Node(addr).Conn()
	return m, nil
}

// renew opens another connection: one on which a command was broken off stays unusable.
func (m *Meeting) renew() {
	_ = m.conn.Close() // what it held is given up
	m.conn = m.servers.Node(m.addr).Conn()
}

func (m *Meeting) key() string { return Key(m.o.Name) }

// Close ends the connection. It removes nothing.
func (m *Meeting) Close() error { return errors.Join(m.conn.Close(), m.servers.Close()) }

// Wait meets the other shards and returns when the load begins. It ends early with
// ctx. A shard that does not come in time is a [*MissingError]. Whatever happens, this
// shard's mark is removed, and the key with the last of them.
func (m *Meeting) Wait(ctx context.Context) (time.Time, error) {
	began, err := m.Compare(ctx)
	if err != nil {
		return time.Time{}, err
	}
	wait, cancel := context.WithTimeout(ctx, m.o.Timeout)
	defer cancel()
	var marks map[int]mark
	if err = m.join(wait, began); err == nil {
		marks, err = m.all(wait)
	}
	after, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	if err != nil {
		// Where the answer was lost, the mark may be there. And the meeting may be complete by
		// now: then the others start, and this one with them.
		m.renew()
		complete, over, failed := m.giveUp(after, ctx.Err() != nil)
		switch {
		case ctx.Err() != nil && complete != nil:
			return time.Time{}, errors.Join(ctx.Err(), m.leave(after))
		case ctx.Err() != nil:
			return time.Time{}, ctx.Err()
		case complete != nil:
			marks = complete
		case failed == nil && over != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errOver)):
			return time.Time{}, over
		default:
			return time.Time{}, m.failed(err)
		}
	}
	if err := m.leave(after); err != nil {
		return time.Time{}, err
	}
	m.met = agree(marks)
	m.met.began = began
	epoch := m.clock.at(m.met.start - int64(began.Offset))
	m.met.late = -time.Until(epoch)
	return epoch, nil
}

// failed explains the error of a command, and leaves other errors as they are.
func (m *Meeting) failed(err error) error {
	var missing *MissingError
	var refused *problem.Hinted
	if errors.As(err, &missing) || errors.As(err, &refused) || errors.Is(err, context.Canceled) {
		return err
	}
	return m.servers.Explain("meet the other shards", m.key(), err)
}

// join leaves this shard's mark, in place of one that a process with the same number left
// before. Nothing is changed where the shards do not fit together, or have met.
func (m *Meeting) join(ctx context.Context, c Comparison) error {
	own := mark{Nonce: m.nonce, Run: m.o.Run, Of: m.o.Shard.Of, Configuration: m.o.Configuration, RoundTrip: c.RoundTrip}
	return m.transact(ctx, func(s state) (func(redis.Pipeliner), error) {
		if err := m.fits(s); err != nil {
			return nil, err
		}
		own.Arrived = m.clock.now() + int64(c.Offset)
		text, err := json.Marshal(own)
		if err != nil {
			return nil, err
		}
		return func(p redis.Pipeliner) {
			p.HSet(ctx, m.key(), strconv.Itoa(m.o.Shard.Index), text)
			// A shard that is killed while it waits leaves its mark.
			p.PExpire(ctx, m.key(), m.o.Timeout+time.Minute)
		}, nil
	})
}

// fits refuses to join shards that do not belong to this one.
func (m *Meeting) fits(s state) error {
	marks := s.marks
	if s.over != nil {
		return &problem.Hinted{What: "the other shards have given up: " + s.over.Error(), Remedy: "start all shards again"}
	}
	for _, i := range sorted(marks) {
		switch other := marks[i]; {
		case other.Of != m.o.Shard.Of:
			return &problem.Hinted{What: fmt.Sprintf("shard %d of %d waits at this meeting, and this is shard %d of %d", i, other.Of, m.o.Shard.Index, m.o.Shard.Of),
				Remedy: "give all shards the same number of shards, or another --fleet"}
		case other.Configuration != m.o.Configuration && i != m.o.Shard.Index:
			return &problem.Hinted{What: fmt.Sprintf("shard %d waits with another configuration (%s) than this shard %d has (%s)", i, other.Configuration, m.o.Shard.Index, m.o.Configuration),
				Remedy: "give all shards the same scenario, flags and seed, or another --fleet"}
		}
	}
	if len(marks) >= m.o.Shard.Of {
		if _, here := marks[m.o.Shard.Index]; here {
			return &problem.Hinted{What: fmt.Sprintf("the %d shards have met already, and shard %d was another process", m.o.Shard.Of, m.o.Shard.Index),
				Remedy: "give each shard a different number, or this fleet another --fleet"}
		}
	}
	return nil
}

// all waits until every shard is there, or until ctx ends.
func (m *Meeting) all(ctx context.Context) (map[int]mark, error) {
	asked := context.WithoutCancel(ctx) // a command that is broken off breaks the connection
	tick := time.NewTicker(min(100*time.Millisecond, 20*time.Millisecond+time.Duration(m.o.Shard.Of)*100*time.Microsecond))
	defer tick.Stop()
	for {
		var n *redis.IntCmd
		var own, over *redis.StringCmd
		if _, err := m.conn.TxPipelined(asked, func(p redis.Pipeliner) error {
			n, own, over = p.HLen(asked, m.key()), p.HGet(asked, m.key(), strconv.Itoa(m.o.Shard.Index)), p.HGet(asked, m.key(), overField)
			return nil
		}); err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		switch {
		case over.Val() != "":
			return nil, errOver
		case !strings.Contains(own.Val(), m.nonce):
			return nil, &problem.Hinted{What: fmt.Sprintf("another process came as shard %d", m.o.Shard.Index), Remedy: "give each shard a different number, or this fleet another --fleet"}
		case n.Val() >= int64(m.o.Shard.Of):
			s, err := m.state(asked)
			if err != nil || len(s.marks) == m.o.Shard.Of {
				return s.marks, err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// state reads the key.
func (m *Meeting) state(ctx context.Context) (s state, err error) {
	fields, err := m.conn.HGetAll(ctx, m.key()).Result()
	if err != nil {
		return s, err
	}
	s.marks = map[int]mark{}
	for field, text := range fields {
		var err error
		switch field {
		case leftField:
		case overField:
			s.over = &MissingError{}
			err = json.Unmarshal([]byte(text), s.over)
		default:
			var one mark
			var i int
			if i, err = strconv.Atoi(field); err == nil {
				err = json.Unmarshal([]byte(text), &one)
			}
			s.marks[i] = one
		}
		if err != nil {
			return s, &problem.Hinted{What: fmt.Sprintf("the key of the meeting has the field %q, which no shard wrote", field), Remedy: "choose another --fleet"}
		}
	}
	return s, nil
}

// giveUp removes this shard's mark and lets the others know, unless all shards are there:
// then it returns the marks. The last one to give up removes the key.
func (m *Meeting) giveUp(ctx context.Context, interrupted bool) (complete map[int]mark, over *MissingError, err error) {
	err = m.transact(ctx, func(s state) (func(redis.Pipeliner), error) {
		complete, over = nil, s.over
		own, here := s.marks[m.o.Shard.Index]
		if !here || own.Nonce != m.nonce {
			return nil, nil
		}
		if over == nil {
			over = m.missing(s.marks)
			if len(over.Missing) == 0 {
				complete = s.marks
				return nil, nil
			}
			if interrupted {
				over = &MissingError{Missing: []int{m.o.Shard.Index}, Of: m.o.Shard.Of, Interrupted: true}
			}
		}
		text, err := json.Marshal(over)
		return func(p redis.Pipeliner) {
			if len(s.marks) == 1 {
				p.Del(ctx, m.key())
				return
			}
			p.HSet(ctx, m.key(), overField, text)
			p.HDel(ctx, m.key(), strconv.Itoa(m.o.Shard.Index))
		}, err
	})
	return complete, over, err
}

// missing are the shards that left no mark.
func (m *Meeting) missing(marks map[int]mark) *MissingError {
	e := &MissingError{Of: m.o.Shard.Of, Waited: m.o.Timeout}
	for i := range m.o.Shard.Of {
		if _, came := marks[i]; !came {
			e.Missing = append(e.Missing, i)
		}
	}
	return e
}

// transact reads the key and carries out what change returns for it, unless it changed
// meanwhile: then it reads it again.
func (m *Meeting) transact(ctx context.Context, change func(state) (func(redis.Pipeliner), error)) error {
	for {
		if err := m.conn.Do(ctx, "WATCH", m.key()).Err(); err != nil {
			return err
		}
		s, err := m.state(ctx)
		var do func(redis.Pipeliner)
		if err == nil {
			do, err = change(s)
		}
		if err != nil || do == nil {
			return errors.Join(err, m.conn.Do(ctx, "UNWATCH").Err())
		}
		_, err = m.conn.TxPipelined(ctx, func(p redis.Pipeliner) error {
			do(p)
			return nil
		})
		if !errors.Is(err, redis.TxFailedErr) {
			return err
		}
		// Others came at the same time. Those that wait differently long meet less often.
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(mathrand.N(time.Duration(m.o.Shard.Of) * 200 * time.Microsecond)):
		}
	}
}

// leave says that this shard knows the start. The last one removes the key.
func (m *Meeting) leave(ctx context.Context) error {
	left, err := m.conn.HIncrBy(ctx, m.key(), leftField, 1).Result()
	if err == nil && left >= int64(m.o.Shard.Of) {
		err = m.conn.Del(ctx, m.key()).Err()
	}
	if err != nil {
		return m.servers.Explain("leave the meeting", m.key(), err)
	}
	return nil
}
