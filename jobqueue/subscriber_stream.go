package jobqueue

import (
	"context"
	"errors"
	"fmt"
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
	// left are the places at which subscriptions broke: who subscribes next goes on there,
	// so that nothing is missed in between.
	left []entryID
}

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
	full   bool    // the last answer had as many entries as were asked for: we may be behind
	buf    []byte  // the messages that were read
	ends   []int   // of the messages in it
	read   int     // entries of the last answer
	next   int     // message
	ending atomic.Bool
}

var (
	_ Subscriber   = (*eventSubscriber)(nil)
	_ Disconnector = (*eventSubscriber)(nil)
)

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
	w, err := e.client.dial(ctx, SubscriberRole, e.client.lanes.queues[0], e.client.identifies())
	if err != nil {
		if resumes {
			e.leave(from)
		}
		return nil, err
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
	// entriesWait is for how long the server waits for an entry: how late the end of a
	// context can be noticed.
	entriesWait = 100 * time.Millisecond
)

// Receive waits for the next entry.
func (s *eventSubscriber) Receive(ctx context.Context) ([]byte, error) {
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
		if err := s.ask(); err != nil {
			if s.ending.Load() {
				return nil, ErrClosed
			}
			if err = s.w.Broken(err); errors.Is(err, ErrLost) {
				s.of.leave(s.last)
			}
			return nil, redisconn.ExplainOn("receive from", s.of.key, s.w.Address(), err)
		}
	}
}

// ask asks for the next entries. When it may be behind, it asks for the oldest entry, too: if
// the one that was read last is gone, others may be that were not read. What an error cut
// off is read again by who goes on.
func (s *eventSubscriber) ask() (err error) {
	s.buf, s.ends, s.next, s.read = s.buf[:0], s.ends[:0], 0, 0
	after, looks := s.last, s.full && s.last != entryID{}
	defer func() {
		if err != nil {
			s.last, s.ends = after, s.ends[:0]
		}
	}()
	s.w.Out = resp.AppendCommand(s.w.Out, "XREAD", "COUNT", strconv.Itoa(entriesAtOnce),
		"BLOCK", strconv.FormatInt(entriesWait.Milliseconds(), 10), "STREAMS", s.of.key, after.String())
	if looks {
		s.w.Out = resp.AppendCommand(s.w.Out, "XRANGE", s.of.key, "-", "+", "COUNT", "1")
	}
	if err = s.w.Flush(); err == nil {
		err = s.w.ExpectWithin(entriesWait)
	}
	var streams int
	var flat bool
	if err == nil {
		streams, flat, err = s.w.In.Pairs()
	}
	for i := 0; err == nil && i < streams; i++ {
		err = s.stream(flat)
	}
	if err != nil {
		return err
	}
	s.full = s.read == entriesAtOnce
	if !looks {
		return nil
	}
	last, ends := s.last, len(s.ends)
	if err := s.entries(); err != nil {
		return err
	}
	oldest := s.last
	s.last, s.ends = last, s.ends[:ends]
	if after.before(oldest) {
		return fmt.Errorf("entries were removed from the stream before they were read, the last that was is %s and the oldest that is left is %s: let the stream keep more of them, or lower the load", after, oldest)
	}
	return nil
}

// stream reads the entries of one stream.
func (s *eventSubscriber) stream(flat bool) error {
	n, err := 2, error(nil)
	if !flat {
		if n, err = s.w.In.Array(); err != nil {
			return err
		}
	}
	if n != 2 {
		return resp.ProtocolError("%d elements for a stream", n)
	}
	if _, err := s.w.In.Bulk(); err != nil { // its key
		return err
	}
	return s.entries()
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
		if s.read++; s.of.keep(s.buf[from:]) {
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
	return s.w.Close()
}
