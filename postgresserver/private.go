//go:build unix

package postgresserver

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/internal/privateserver"
)

// process is a private server, and after a kill the one that takes its place.
type process struct {
	cluster
	port  int
	url   string
	ended chan struct{} // closed when a server has ended that kill did not end

	mu     sync.Mutex // guards what follows
	now    *privateserver.Process
	paused []int // its processes that were stopped, the first one last
	down   bool  // now has ended, or was ended on purpose
	over   bool  // ended is closed
	closed bool
}

var _ private = (*process)(nil)

// start starts the server and waits until it answers. The caller holds mu, unless no
// other goroutine has p yet.
func (p *process) start(ctx context.Context) (version string, err error) {
	now, version, err := p.run(ctx, p.port, p.url)
	if err != nil {
		return "", err
	}
	p.now, p.down = now, false
	go p.watch(now)
	return version, nil
}

// watch notes the end of a server.
func (p *process) watch(now *privateserver.Process) {
	<-now.Done()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now == now && !p.down {
		p.down = true
		p.end()
	}
}

// end closes ended, once. The caller holds mu.
func (p *process) end() {
	if !p.over {
		p.over = true
		close(p.ended)
	}
}

func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now.PID()
}

// pause stops the first process, which starts no others then, and after it those that it
// has started.
func (p *process) pause(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.down:
		return errors.New("pause postgres: it has ended")
	case len(p.paused) > 0:
		return nil
	}
	first := p.now.PID()
	others, err := postgres.Processes(ctx, p.url, func() error {
		p.paused = []int{first}
		return unix.Kill(first, unix.SIGSTOP)
	})
	for _, pid := range others {
		if stopped := unix.Kill(pid, unix.SIGSTOP); stopped == nil {
			p.paused = append([]int{pid}, p.paused...)
		} else if !errors.Is(stopped, unix.ESRCH) {
			err = errors.Join(err, stopped)
		}
	}
	if err != nil {
		return fmt.Errorf("pause postgres: %w", errors.Join(err, p.goOn()))
	}
	return nil
}

func (p *process) resume() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.goOn()
}

// goOn lets a paused server go on. The caller holds mu.
func (p *process) goOn() error {
	var errs []error
	for _, pid := range p.paused {
		if err := unix.Kill(pid, unix.SIGCONT); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("resume postgres: %w", err))
		}
	}
	p.paused = nil
	return errors.Join(errs...)
}

func (p *process) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return errors.New("kill postgres: it has ended")
	}
	p.down = true
	err := p.goOn()
	p.now.Stop(unix.SIGQUIT, stopGrace)
	return err
}

func (p *process) restart(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return errors.New("restart postgres: it was closed")
	case !p.down:
		return nil
	}
	_, err := p.start(ctx)
	return err
}

// close ends the server.
func (p *process) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	err := p.goOn()
	if !p.down {
		p.down = true
		p.now.Stop(unix.SIGQUIT, stopGrace)
	}
	p.end()
	return err
}
