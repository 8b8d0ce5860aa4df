package jobqueue

import (
	"context"
	"sync"
)

// silence is a subscriber where nothing is published.
type silence struct {
	once   sync.Once
	closed chan struct{}
}

func newSilence() *silence { return &silence{closed: make(chan struct{})} }

// Receive waits for the end of ctx or for Close.
func (s *silence) Receive(ctx context.Context) ([]byte, error) {
	select {
	case <-s.closed:
		return nil, ErrClosed
	default:
	}
	select {
	case <-s.closed:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *silence) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}
