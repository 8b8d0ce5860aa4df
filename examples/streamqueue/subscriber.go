package streamqueue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// subscriber receives from the socket. It does not use go-redis's Channel, whose
// buffer of 100 messages drops what does not fit.
type subscriber struct {
	channel string
	rdb     *redis.Client
	pubsub  *redis.PubSub
	reading sync.Mutex // held while reading
	ended   bool       // the server confirmed the end; guarded by reading
	ending  atomic.Bool
	watched context.Context
	release func() bool
}

// OpenSubscriber returns a subscriber after the server has confirmed the
// subscription. Without that the first messages could be missed.
func (q *Queue) OpenSubscriber(ctx context.Context) (jobqueue.Subscriber, error) {
	rdb, err := q.own(ctx)
	if err != nil {
		return nil, err
	}
	s := &subscriber{channel: q.cfg.Channel, rdb: rdb, pubsub: rdb.Subscribe(ctx, q.cfg.Channel)}
	if _, err := s.pubsub.Receive(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("subscribe to %q: %w", q.cfg.Channel, err)
	}
	return s, nil
}

// Receive waits for the next message. The end of ctx ends the subscription too:
// go-redis knows no other way to break off a read.
func (s *subscriber) Receive(ctx context.Context) ([]byte, error) {
	s.watch(ctx)
	s.reading.Lock()
	defer s.reading.Unlock()
	for {
		message, err := s.frame()
		switch {
		case s.ended && ctx.Err() != nil:
			return nil, ctx.Err()
		case s.ended:
			return nil, jobqueue.ErrClosed
		case err != nil:
			return nil, fmt.Errorf("receive from %q: %w", s.channel, err)
		case !s.ending.Load():
			return message, nil
		}
	}
}

// frame reads one message, or nothing when the subscription has ended. The
// caller holds reading.
func (s *subscriber) frame() ([]byte, error) {
	if s.ended {
		return nil, nil
	}
	f, err := s.pubsub.Receive(context.Background())
	if err != nil {
		s.ended = s.ending.Load()
		return nil, err
	}
	switch f := f.(type) {
	case *redis.Message:
		return []byte(f.Payload), nil
	case *redis.Subscription:
		s.ended = f.Kind == "unsubscribe"
		// Another confirmation means that go-redis has connected again behind
		// our back, and messages may be missing.
		if !s.ended {
			return nil, errors.New("the connection was lost, and with it what was published meanwhile")
		}
	}
	return nil, nil
}

// watch arranges that the end of ctx ends the subscription. It registers only
// when ctx is another one than the last time.
func (s *subscriber) watch(ctx context.Context) {
	if ctx == s.watched {
		return
	}
	if s.release != nil {
		s.release()
	}
	s.watched, s.release = ctx, context.AfterFunc(ctx, func() { s.Close() })
}

// Close ends the subscription. When it returns, the server counts this
// subscriber no longer: only the confirmation says so, since a closed socket is
// noticed later.
func (s *subscriber) Close() error {
	if s.ending.Swap(true) {
		return nil
	}
	const most = 10 * time.Second // a server that does not answer must not keep us
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	defer time.AfterFunc(most, func() { s.pubsub.Close() }).Stop()
	err := s.pubsub.Unsubscribe(ctx, s.channel)
	s.reading.Lock()
	defer s.reading.Unlock()
	for err == nil && !s.ended {
		_, err = s.frame()
	}
	s.ended = true
	s.pubsub.Close()
	return s.rdb.Close()
}
