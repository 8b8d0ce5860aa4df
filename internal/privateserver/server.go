//go:build unix

package privateserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Options say what [Start] starts, and how it is broken and ended.
type Options struct {
	// Name is that of the server in errors.
	Name string
	// Launch starts a process and waits until it answers. It leaves none after an error.
	Launch func(ctx context.Context) (*Process, error)
	// Others are the further processes of the server, which are paused after the one that
	// was launched: stop pauses that one, after which the others start no more. Nil means
	// that there are no others.
	Others func(ctx context.Context, stop func() error) ([]int, error)
	// Kill is the signal that ends the server at once, Stop the one that closes it. Grace
	// is how long it may take then before it is killed.
	Kill, Stop unix.Signal
	Grace      time.Duration
}

// Server is a private server that can be broken and repaired: a process, and after a kill
// the one that takes its place. It is safe for concurrent use. Nil is a server of another
// kind.
type Server struct {
	o     Options
	ended chan struct{} // closed when a process has ended that Kill did not end
	over  func()        // closes it, once

	mu     sync.Mutex // guards what follows
	now    *Process
	paused []int // its processes that were stopped, the one that was launched last
	down   bool  // now has ended, or was ended on purpose
	closed bool
}

// Start launches the first process.
func Start(ctx context.Context, o Options) (*Server, error) {
	s := &Server{o: o, ended: make(chan struct{})}
	s.over = sync.OnceFunc(func() { close(s.ended) })
	if err := s.launch(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// launch starts a process. The caller holds mu, unless no other goroutine has s yet.
func (s *Server) launch(ctx context.Context) error {
	now, err := s.o.Launch(ctx)
	if err != nil {
		return err
	}
	s.now, s.down = now, false
	go s.watch(now)
	return nil
}

// watch notes the end of a process.
func (s *Server) watch(now *Process) {
	<-now.done
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == now && !s.down {
		s.down = true
		s.over()
	}
}

// PID is the id of the process that was launched last, 0 for a server of another kind.
func (s *Server) PID() int {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now.PID()
}

// Ended is closed when a process has ended for any reason but [Server.Kill]. It is nil for
// a server of another kind.
func (s *Server) Ended() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.ended
}

// Pause stops the processes as SIGSTOP does, until [Server.Resume].
func (s *Server) Pause(ctx context.Context) error {
	return s.alone(func() error {
		switch {
		case s.down:
			return fmt.Errorf("pause %s: it has ended", s.o.Name)
		case len(s.paused) > 0:
			return nil
		}
		if err := s.stop(ctx); err != nil {
			return fmt.Errorf("pause %s: %w", s.o.Name, errors.Join(err, s.goOn()))
		}
		return nil
	})
}

// alone calls f with mu held, for a server that can be broken.
func (s *Server) alone(f func() error) error {
	if s == nil {
		return ErrNotPrivate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return f()
}

// stop stops all processes. The caller holds mu.
func (s *Server) stop(ctx context.Context) error {
	first := func() error {
		s.paused = []int{s.now.PID()}
		return unix.Kill(s.now.PID(), unix.SIGSTOP)
	}
	if s.o.Others == nil {
		return first()
	}
	others, err := s.o.Others(ctx, first)
	for _, pid := range others {
		if stopped := unix.Kill(pid, unix.SIGSTOP); stopped == nil {
			s.paused = append([]int{pid}, s.paused...)
		} else if !errors.Is(stopped, unix.ESRCH) {
			err = errors.Join(err, stopped)
		}
	}
	return err
}

// Resume lets a paused server go on. It does nothing to one that is not paused.
func (s *Server) Resume() error { return s.alone(s.goOn) }

// goOn lets a paused server go on. The caller holds mu.
func (s *Server) goOn() error {
	var errs []error
	for _, pid := range s.paused {
		if err := unix.Kill(pid, unix.SIGCONT); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("resume %s: %w", s.o.Name, err))
		}
	}
	s.paused = nil
	return errors.Join(errs...)
}

// Kill ends the server at once and returns when it is gone.
func (s *Server) Kill() error {
	return s.alone(func() error {
		if s.down {
			return fmt.Errorf("kill %s: it has ended", s.o.Name)
		}
		return s.end(s.o.Kill)
	})
}

// end ends the process. One that is paused gets the signal first of all when it goes on.
// The caller holds mu.
func (s *Server) end(signal unix.Signal) error {
	s.down = true
	s.now.signal(signal)
	err := s.goOn()
	s.now.wait(s.o.Grace)
	return err
}

// Restart launches a process again after a kill. It does nothing to a server that runs.
func (s *Server) Restart(ctx context.Context) error {
	return s.alone(func() error {
		switch {
		case s.closed:
			return fmt.Errorf("restart %s: it was closed", s.o.Name)
		case !s.down:
			return nil
		}
		if err := s.launch(ctx); err != nil {
			return fmt.Errorf("restart %s: %w", s.o.Name, err)
		}
		return nil
	})
}

// Close ends the server for good.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	defer s.over()
	if s.down {
		return s.goOn()
	}
	return s.end(s.o.Stop)
}
