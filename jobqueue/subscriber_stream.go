package jobqueue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/queuedyno/queuedyno/internal/jsonscan"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/resp"
)

// Events is a stream to which entries are appended that say what became of jobs. It is safe
// for concurrent use.
type Events struct {
	client *Client
	key    string
	keep   func(message []byte) bool
	fields []string

	mu sync.Mutex
	// left are the places at which subscriptions broke: who subscribes next goes on at the
	// first of them, so that nothing is missed in between.
	left []entryID
}

// ErrMissed is matched by the error of a Receive before which entries were removed from the
// stream that it had not read. Another subscriber does not receive them either.
var ErrMissed = errors.New("entries were removed from the stream before they were read")

// Events is the stream with the key, in the slot of the client's queue. Of each entry, what is
// received is a JSON object of the named fields, as far as the entry has them, with
// their texts, if keep says so. keep is called by several goroutines.
func (c *Client) Events(key string, keep func(message []byte) bool, fields ...string) *Events {
	return &Events{client: c, key: key, keep: keep, fields: fields}
}

// eventSubscriber reads a stream on a separate connection by XREAD.
type eventSubscriber struct {
	w      *redisconn.Wire
	of     *Events
	last   entryID // that was read
	after  entryID // that the request is about
	asked  bool    // it was sent, and its answer was not read yet
	buf    []byte  // the messages that were read
	ends   []int   // of the messages in it
	next   int     // message
	ending atomic.Bool

	watched context.Context
	release registration
}

var _ Subscriber = (*eventSubscriber)(nil)

// entryID is the id of an entry of a stream.
type entryID struct{ ms, seq uint64 }

func (id entryID) String() string {
	return strconv.FormatUint(id.ms, 10) + "-" + strconv.FormatUint(id.seq, 10)
}

func (id entryID) before(other entryID) bool {
	return id.ms < other.ms || id.ms == other.ms && id.seq < other.seq
}

func parseEntryID(text string) (id entryID, err error) {
	ms, seq, ok := strings.Cut(text, "-")
	if ok {
		if id.ms, err = strconv.ParseUint(ms, 10, 64); err == nil {
			id.seq, err = strconv.ParseUint(seq, 10, 64)
		}
	}
	if !ok || err != nil {
		return id, resp.ProtocolError("%.40q for the id of an entry", text)
	}
	return id, nil
}

// Open returns a subscriber that receives every entry that is appended after the return of
// this call, in order.
func (e *Events) Open(ctx context.Context) (Subscriber, error) {
	from, resumes := e.resume()
	if !resumes {
		newest, err := e.client.rdb.XRevRangeN(ctx, e.key, "+", "-", 1).Result()
		if err == nil && len(newest) > 0 {
			from, err = parseEntryID(newest[0].ID)
		}
		if err != nil {
			return nil, e.client.explain("subscribe to", e.key, err)
		}
	}
	w, err := e.client.dial(ctx, "subscribers", e.client.lanes.queues[0], e.client.identifies())
	if err != nil {
		if resumes {
			e.leave(from)
		}
		return nil, err
	}
	if err := w.ExpectAnswers(func() bool { return true }); err != nil {
		w.Close()
		return nil, e.client.servers.Retryable(redisconn.Explain("subscribe to", w.Address(), err))
	}
	return &eventSubscriber{w: w, of: e, last: from}, nil
}

func (e *Events) resume() (from entryID, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.left) == 0 {
		return from, false
	}
	from, e.left = e.left[0], e.left[1:]
	return from, true
}

func (e *Events) leave(at entryID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.left = append(e.left, at)
}

const (
	entriesAtOnce = 500
	// entriesWait is for how long the server waits for an entry.
	entriesWait = 100 * time.Millisecond
)

// Receive waits for the next entry.
func (s *eventSubscriber) Receive(ctx context.Context) ([]byte, error) {
	if ctx != s.watched {
		s.watched = ctx
		s.release.at(ctx, s.w.Abort)
	}
	for {
		if s.ending.Load() {
			return nil, ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.next < len(s.ends) {
			from := 0
			if s.next > 0 {
				from = s.ends[s.next-1]
			}
			s.next++
			return s.buf[from:s.ends[s.next-1]], nil
		}
		err := s.exchange()
		switch {
		case err == nil:
		case s.ending.Load():
			return nil, ErrClosed
		case errors.Is(err, os.ErrDeadlineExceeded) && s.w.Aborted.Swap(false):
			// A context has ended, this one or one before it. The answer is read with the
			// next call.
			if err := s.w.ExpectAnswers(func() bool { return true }); err != nil && !s.w.Aborted.Load() {
				return nil, s.lost(err)
			}
		case errors.Is(err, ErrMissed):
			return nil, redisconn.ExplainOn("receive from", s.of.key, s.w.Address(), err)
		default:
			return nil, s.lost(err)
		}
	}
}

// lost is the error of a connection that is of no more use. Who subscribes next goes on at what
// was read last.
func (s *eventSubscriber) lost(err error) error {
	if err = s.w.Broken(err); errors.Is(err, ErrLost) {
		s.of.leave(s.last)
	}
	return redisconn.ExplainOn("receive from", s.of.key, s.w.Address(), err)
}

// Resumes reports whether the subscriber that is opened in the place of this one, when its
// connection broke, goes on where this one was.
func Resumes(s Subscriber) bool {
	_, does := s.(*eventSubscriber)
	return does
}

// exchange asks for the next entries and reads the answer. What an error cuts off is read
// again.
func (s *eventSubscriber) exchange() error {
	if !s.asked {
		s.after, s.asked = s.last, true
		s.w.Out = resp.AppendCommand(s.w.Out, "XREAD", "COUNT", strconv.Itoa(entriesAtOnce),
			"BLOCK", strconv.FormatInt(entriesWait.Milliseconds(), 10), "STREAMS", s.of.key, s.after.String())
		s.w.Out = resp.AppendCommand(s.w.Out, "XRANGE", s.of.key, "-", "+", "COUNT", "1")
		if err := s.w.Flush(); err != nil {
			return err
		}
	}
	s.buf, s.ends, s.next = s.buf[:0], s.ends[:0], 0
	s.w.In.Hold()
	err := s.w.ExpectWithin(entriesWait)
	if err == nil {
		err = s.answer()
	}
	if err != nil {
		s.w.In.Rewind()
		s.last, s.ends = s.after, s.ends[:0]
		return err
	}
	s.w.In.Release()
	s.asked = false
	return nil
}

// answer reads the next entries, and then the oldest one that the stream has. If the one that
// was read last before is gone, others may be that were not read.
func (s *eventSubscriber) answer() error {
	streams, flat, err := s.w.In.Pairs()
	for i := 0; err == nil && i < streams; i++ {
		if err = streamHead(&s.w.In, flat); err == nil {
			err = s.entries()
		}
	}
	if err != nil {
		return err
	}
	last, ends := s.last, len(s.ends)
	if err := s.entries(); err != nil {
		return err
	}
	oldest := s.last
	s.last, s.ends = last, s.ends[:ends]
	if last != s.after && s.after != (entryID{}) && s.after.before(oldest) {
		return fmt.Errorf("%w: the last that was is %s, and the oldest that is left is %s; let the stream keep more of them, or lower the load", ErrMissed, s.after, oldest)
	}
	return nil
}

// entries reads a list of entries.
func (s *eventSubscriber) entries() error {
	in := &s.w.In
	n, err := in.Array()
	if err != nil {
		return err
	}
	for range n {
		if parts, err := in.Array(); err != nil {
			return err
		} else if parts != 2 {
			return resp.ProtocolError("%d elements for an entry", parts)
		}
		id, err := in.Bulk()
		if err != nil {
			return err
		}
		if s.last, err = parseEntryID(string(id)); err != nil {
			return err
		}
		from := len(s.buf)
		if err := s.entry(); err != nil {
			return err
		}
		if s.of.keep(s.buf[from:]) {
			s.ends = append(s.ends, len(s.buf))
		} else {
			s.buf = s.buf[:from]
		}
	}
	return nil
}

// entry appends the named fields of an entry as a JSON object.
func (s *eventSubscriber) entry() error {
	in := &s.w.In
	words, err := in.Array()
	if err != nil {
		return err
	}
	open := byte('{')
	for range words / 2 {
		field, err := in.Bulk()
		if err != nil {
			return err
		}
		named := slices.Index(s.of.fields, string(field))
		value, err := in.Bulk()
		if err != nil {
			return err
		}
		if named < 0 {
			continue
		}
		s.buf = jsonscan.AppendText(append(s.buf, open), s.of.fields[named])
		s.buf = jsonscan.AppendText(append(s.buf, ':'), string(value))
		open = ','
	}
	if open == '{' {
		s.buf = append(s.buf, open)
	}
	s.buf = append(s.buf, '}')
	return nil
}

// Disconnect makes the server close the connection.
func (s *eventSubscriber) Disconnect(ctx context.Context) error { return s.w.Kill(ctx) }

// Close ends the subscription.
func (s *eventSubscriber) Close() error {
	if s.ending.Swap(true) {
		return nil
	}
	s.release.end()
	return s.w.Close()
}
