//go:build unix

package redisserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/queuedyno/queuedyno/internal/privateserver"
)

// process is a private server process, and after a kill the one that takes its place.
type process struct {
	command privateserver.Command
	starting
	args  []string      // the user's, which tell what must not be shown
	ended chan struct{} // closed when a process has ended that kill did not end

	mu     sync.Mutex // guards what follows
	now    *privateserver.Process
	paused bool
	down   bool // now was ended on purpose
	closed bool
}

var _ private = (*process)(nil)

// start starts the process and waits until it answers. The caller holds mu, unless no
// other goroutine has p yet.
func (p *process) start(ctx context.Context) error {
	c, err := privateserver.Run(p.command)
	if err != nil {
		return err
	}
	p.now, p.down = c, false
	if err := waitReady(ctx, c, p.starting); err != nil {
		p.down = true
		c.Stop(unix.SIGTERM, stopGrace)
		return err
	}
	go p.watch(c)
	return nil
}

// watch notes the end of a process.
func (p *process) watch(c *privateserver.Process) {
	<-c.Done()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now == c && !p.down {
		p.down = true
		close(p.ended)
	}
}

// began reports whether a process was started at all.
func (p *process) began() bool { return p.now != nil }

func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now.PID()
}

func (p *process) pause() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return errors.New("pause redis-server: it has ended")
	}
	if err := unix.Kill(p.now.PID(), unix.SIGSTOP); err != nil {
		return fmt.Errorf("pause redis-server: %w", err)
	}
	p.paused = true
	return nil
}

func (p *process) resume() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.goOn()
}

// goOn lets a paused process go on. The caller holds mu.
func (p *process) goOn() error {
	if !p.paused {
		return nil
	}
	p.paused = false
	if err := unix.Kill(p.now.PID(), unix.SIGCONT); err != nil && !p.down {
		return fmt.Errorf("resume redis-server: %w", err)
	}
	return nil
}

func (p *process) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return errors.New("kill redis-server: it has ended")
	}
	p.down, p.paused = true, false
	p.now.Stop(unix.SIGKILL, stopGrace)
	return nil
}

func (p *process) restart(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return errors.New("restart redis-server: it was closed")
	case !p.down:
		return nil
	}
	if err := p.start(ctx); err != nil {
		return fmt.Errorf("restart redis-server: %w: %s", err, hideSecrets(privateserver.Tail(p.logPath), p.args))
	}
	return nil
}

// close ends the process and removes its folder.
func (p *process) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	err := p.goOn()
	if !p.down {
		p.down = true
		p.now.Stop(unix.SIGTERM, stopGrace)
		close(p.ended)
	}
	if removed := os.RemoveAll(p.command.Dir); removed != nil {
		err = errors.Join(err, fmt.Errorf("remove the folder of redis-server: %w", removed))
	}
	return err
}
