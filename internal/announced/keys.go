package announced

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"

	"github.com/queuedyno/queuedyno/internal/jsonscan"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// keys are those that workers set.
type keys struct {
	c       client
	form    updates.Mapping
	pattern string   // of their names
	fields  []string // of a hash that are read; none means all
}

// channelOf is what the channels are called on which Redis reports keys; the number of the
// database and the name of the key follow.
const channelOf = "__keyspace@"

// Setting is what Redis has to be set to, in notify-keyspace-events, to report keys.
const Setting = "K$h"

// open subscribes to what Redis reports of the keys.
func (k *keys) open(ctx context.Context) (jobqueue.Subscriber, error) {
	if err := errors.Join(Reported(ctx, k.c), k.readable(ctx)); err != nil {
		return nil, err
	}
	heard, err := k.c.OpenPatternSubscriber(ctx, channelOf+"*__:"+k.pattern, appendEvent)
	if err != nil {
		return nil, err
	}
	s := &reader{keys: k, heard: heard, more: make(chan struct{}, 1), states: states{seed: maphash.MakeSeed()}}
	listening, end := context.WithCancel(context.Background())
	s.end = end
	s.listening.Go(func() { s.listen(listening) })
	return s, nil
}

// Reported checks that a Redis reports when keys are set, if it says.
func Reported(ctx context.Context, c interface {
	Do(ctx context.Context, commands ...[]string) (answers []any, err error)
}) error {
	const setting = "notify-keyspace-events"
	answers, err := c.Do(ctx, []string{"CONFIG", "GET", setting})
	if err != nil {
		return nil // it is not allowed to look; a run that hears nothing says so
	}
	var now string
	switch pair := answers[0].(type) {
	case []any:
		if len(pair) == 2 {
			now, _ = pair[1].(string)
		}
	case map[any]any:
		now, _ = pair[setting].(string)
	}
	all := strings.Contains(now, "A")
	if strings.Contains(now, "K") && (all || strings.Contains(now, "$") && strings.Contains(now, "h")) {
		return nil
	}
	return &silentError{now}
}

// readable checks that keys may be read, as texts or as hashes: later a read that is refused
// would be one lost job after the other.
func (k *keys) readable(ctx context.Context) error {
	var refused error
	for _, kind := range []byte{'$', 'h'} {
		_, err := k.c.Do(ctx, k.command(kind, k.form.Source().Name("")))
		if !redisconn.Refused(err) {
			return nil
		}
		refused = fmt.Errorf("read the keys that workers set: %w", err)
	}
	return refused
}

// command is the one that reads a key of the kind.
func (k *keys) command(kind byte, key string) []string {
	switch {
	case kind == '$':
		return []string{"GET", key}
	case len(k.fields) > 0:
		return append([]string{"HMGET", key}, k.fields...)
	}
	return []string{"HGETALL", key}
}

// silentError is the error of a Redis that does not report keys.
type silentError struct{ setting string }

func (e *silentError) Error() string {
	return fmt.Sprintf("this Redis does not report when workers set keys: its notify-keyspace-events is %q, and has to have the letters %s", e.setting, Setting)
}

// Hint says how it does.
func (e *silentError) Hint() string {
	return fmt.Sprintf("CONFIG SET notify-keyspace-events '%s%s' (it costs Redis some time for each command that changes a key)", Setting, strings.NewReplacer("K", "", "$", "", "h", "").Replace(e.setting))
}

// appendEvent appends what happened to a key, and its name, if it was set.
func appendEvent(dst, channel, event []byte) []byte {
	_, key, ok := bytes.Cut(channel, []byte("__:"))
	kind := byte('$')
	switch string(event) {
	case "hset":
		kind = 'h'
	case "set", "getset", "append", "setrange":
	default:
		ok = false
	}
	if !ok {
		return dst
	}
	return append(append(dst, kind), key...)
}

// reader reads each key that was set, as soon as Redis reports it. Keys that are set while
// others are read are read together. What it receives is a key's state, if that is another
// one than before: a worker may set a key several times while its job has one status.
type reader struct {
	*keys
	heard     jobqueue.Subscriber
	more      chan struct{} // has room for one: events wait, or no more will come
	end       context.CancelFunc
	listening sync.WaitGroup

	mu     sync.Mutex // guards what follows
	events [][]byte
	broken error

	// What follows is used by Receive alone.
	states   states
	read     []state
	received int // of read
}

var _ jobqueue.Subscriber = (*reader)(nil)

// state is what a key has, as a composed message.
type state struct {
	message []byte
	hash    bool
}

// atOnce bounds how many keys are read together.
const atOnce = 200

// rereads is how often keys are read again when the connection breaks: further connections of
// the pool may have broken with it.
const rereads = 3

// listen collects events until the subscription ends.
func (s *reader) listen(ctx context.Context) {
	for {
		event, err := s.heard.Receive(ctx)
		s.mu.Lock()
		if err != nil {
			s.broken = err
		} else {
			s.events = append(s.events, bytes.Clone(event))
		}
		s.mu.Unlock()
		select {
		case s.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// take takes the oldest events, or says why no more will come.
func (s *reader) take() (events [][]byte, broken error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.events), atOnce)
	events = s.events[:n:n]
	if s.events = s.events[n:]; len(s.events) == 0 {
		s.events = nil
	}
	if n == 0 {
		broken = s.broken
	}
	return events, broken
}

// Receive waits for the next state of a key.
func (s *reader) Receive(ctx context.Context) ([]byte, error) {
	for {
		for s.received < len(s.read) {
			now := s.read[s.received]
			s.received++
			if s.news(now) {
				return now.message, nil
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		events, broken := s.take()
		if broken != nil {
			return nil, broken
		}
		if len(events) > 0 {
			if err := s.look(ctx, events); err != nil {
				return nil, err
			}
			continue
		}
		select {
		case <-s.more:
		case <-ctx.Done():
		}
	}
}

// news reports whether a state says something of its job that was not known. A hash without a
// status, or a status such as "queued", is that of a job that waits.
func (s *reader) news(now state) bool {
	v, err := s.form.View(now.message)
	if err != nil {
		return !now.hash
	}
	means, known := updates.Likely(v.Status)
	return !(known && means == "") && s.states.change(v.JobID, string(v.Status))
}

// look reads the keys of events.
func (s *reader) look(ctx context.Context, events [][]byte) error {
	commands := make([][]string, len(events))
	for i, event := range events {
		commands[i] = s.command(event[0], string(event[1:]))
	}
	answers, err := s.c.Do(ctx, commands...)
	lost := func() bool { return errors.Is(redisconn.LostIfGone(err), jobqueue.ErrLost) }
	for range rereads {
		if !lost() || ctx.Err() != nil {
			break
		}
		// The subscription may be well, and Redis reports these keys just once.
		answers, err = s.c.Do(ctx, commands...)
	}
	if err != nil && ctx.Err() != nil {
		s.mu.Lock()
		s.events = append(events, s.events...) // for the next call
		s.mu.Unlock()
		return ctx.Err()
	}
	s.read, s.received = s.read[:0], 0
	for i, answer := range answers {
		var value []byte
		switch a := answer.(type) {
		case string:
			value = []byte(a)
		case []any:
			value = s.object(a)
		case map[any]any:
			value = object(a)
		default:
			continue // it is gone, or is of another type: Redis reports the keys of all databases
		}
		if message := s.form.Source().AppendComposed(nil, events[i][1:], value); len(message) > 0 {
			_, text := answer.(string)
			s.read = append(s.read, state{message, !text})
		}
	}
	if lost() || err != nil && len(s.read) == 0 && !strings.HasPrefix(redisconn.ReplyText(err), "WRONGTYPE") {
		return fmt.Errorf("read a key that a worker set: %w", redisconn.LostIfGone(err))
	}
	return nil
}

// object is a hash as a JSON object: the values of the fields, or fields and values in turn.
func (s *reader) object(answer []any) []byte {
	hash := map[any]any{}
	for i, value := range answer {
		switch {
		case len(s.fields) > 0:
			hash[s.fields[i]] = value
		case i%2 == 1:
			hash[answer[i-1]] = value
		}
	}
	return object(hash)
}

// object is a hash as a JSON object.
func object(hash map[any]any) []byte {
	out := []byte{'{'}
	for name, value := range hash {
		name, named := name.(string)
		text, is := value.(string)
		if !named || !is {
			continue // there is no such field
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(jsonscan.AppendText(out, name), ':')
		out = updates.AppendValue(out, []byte(text))
	}
	return append(out, '}')
}

// Disconnect makes the server close the subscription.
func (s *reader) Disconnect(ctx context.Context) error {
	if d, ok := s.heard.(interface{ Disconnect(context.Context) error }); ok {
		return d.Disconnect(ctx)
	}
	return errors.ErrUnsupported
}

// Close ends the subscription.
func (s *reader) Close() error {
	err := s.heard.Close()
	s.end()
	s.listening.Wait()
	return err
}

// states are the last statuses of jobs, of the newest 100,000 or more.
type states struct {
	seed          maphash.Seed
	newer, before map[uint64]string
}

const mostStates = 100_000

// change notes the status of a job, and reports whether it is another one than before.
func (s *states) change(id []byte, status string) bool {
	key := maphash.Bytes(s.seed, id)
	last, known := s.newer[key]
	if !known {
		last = s.before[key]
	}
	if last == status {
		return false
	}
	if s.newer == nil || len(s.newer) >= mostStates {
		s.newer, s.before = make(map[uint64]string), s.newer
	}
	s.newer[key] = status
	return true
}
