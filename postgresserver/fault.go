package postgresserver

import (
	"context"
	"errors"
)

// ErrNotPrivate is returned by Pause, Resume, Kill and Restart for a server that is no
// private process: only such a process may be broken, and can be repaired. Start one
// with the source "process".
var ErrNotPrivate = errors.New("the server is no private process")

// Pause stops the processes of the server as SIGSTOP does: it answers nothing, and its
// connections stay open, until [Server.Resume]. Pausing it twice is the same as once.
func (s *Server) Pause(ctx context.Context) error {
	if s.private == nil {
		return ErrNotPrivate
	}
	return s.private.pause(ctx)
}

// Resume lets a paused server go on. It does nothing to one that is not paused.
func (s *Server) Resume() error {
	if s.private == nil {
		return ErrNotPrivate
	}
	return s.private.resume()
}

// Kill ends the server at once and returns when it is gone. It is Postgres's immediate
// shutdown: its processes end wherever they are, nothing is completed or written, and the
// next start recovers from the write-ahead log.
func (s *Server) Kill() error {
	if s.private == nil {
		return ErrNotPrivate
	}
	return s.private.kill()
}

// Restart starts a server that was killed again, with the same settings, data and port,
// and returns when it answers, which takes until it has recovered. The end of ctx ends
// the start. It does nothing to a server that runs.
func (s *Server) Restart(ctx context.Context) error {
	if s.private == nil {
		return ErrNotPrivate
	}
	return s.private.restart(ctx)
}
