package probe_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/probe"
	"github.com/queuedyno/queuedyno/internal/waiter"
)

// stalling answers at once but for one question, which takes a while.
type stalling struct {
	once   sync.Once
	stall  time.Duration
	asked  chan struct{}
	closed chan struct{}
}

func (s *stalling) Ping() error {
	select {
	case <-s.closed:
		return errors.New("closed")
	case s.asked <- struct{}{}:
	default:
	}
	s.once.Do(func() {
		select {
		case <-time.After(s.stall):
		case <-s.closed:
		}
	})
	return nil
}

func (s *stalling) Close() error {
	close(s.closed)
	return nil
}

func TestAStallIsNotLeftOutByTheProbeItself(t *testing.T) {
	t.Parallel()
	const stall = 200 * time.Millisecond
	server := &stalling{stall: stall, asked: make(chan struct{}, 100), closed: make(chan struct{})}
	p, err := probe.Start(t.Context(), server, waiter.Precise)
	if err != nil {
		t.Fatal(err)
	}
	for range 60 {
		<-server.asked
	}
	f := p.Stop()
	// The questions that were due in the stall waited too: about 19 of them,
	// one every 10 ms, instead of the one that a closed loop would count.
	waited := f.Ping.Count() - f.Ping.CountAtOrBelow(int64(20*time.Millisecond))
	if waited < 12 || f.Ping.Max() < int64(stall) {
		t.Errorf("%d questions waited, the longest %s", waited, time.Duration(f.Ping.Max()))
	}
	if f.Hiccup.Count() == 0 || f.Echo.Count() == 0 {
		t.Errorf("%d hiccups and %d echoes", f.Hiccup.Count(), f.Echo.Count())
	}
}

func TestAProbeEndsWhileTheServerStandsStill(t *testing.T) {
	t.Parallel()
	server := &stalling{stall: time.Hour, asked: make(chan struct{}, 1), closed: make(chan struct{})}
	p, err := probe.Start(t.Context(), server, waiter.Precise)
	if err != nil {
		t.Fatal(err)
	}
	<-server.asked
	if f := p.Stop(); f.Ping.Count() == 0 {
		t.Error("the question that was open does not count")
	}
}

func TestWithoutAServerThereIsNoPing(t *testing.T) {
	t.Parallel()
	p, err := probe.Start(t.Context(), nil, waiter.Precise)
	if err != nil {
		t.Fatal(err)
	}
	if f := p.Stop(); f.Ping != nil {
		t.Error("something was pinged")
	}
}
