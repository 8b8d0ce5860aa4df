//go:build unix

package privateserver

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Command is a server to run.
type Command struct {
	Binary string
	Args   []string
	Dir    string
	// Log is the file that gets all output.
	Log string
	// Env is the environment; nil means that of this process.
	Env []string
	// User is what the server runs as; nil means the user of this process.
	User *syscall.Credential
	// Death is the signal that the server gets when this process dies, by whatever
	// means, even by SIGKILL.
	Death unix.Signal
}

// Process is a running server.
type Process struct {
	cmd *exec.Cmd
	// done is closed when the process has ended; err says how.
	done chan struct{}
	err  error
	// owner is what the watcher of [supervise] waits on; nil without one.
	owner *os.File
}

// Run starts a server that ends with this process.
func Run(c Command) (*Process, error) {
	log, err := os.Create(c.Log)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the server has a separate descriptor
	cmd := exec.Command(c.Binary, c.Args...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	// Files, not pipes: nothing has to be read for the server to go on.
	cmd.Stdout, cmd.Stderr = log, log
	// In a separate process group, the server is spared the terminal's
	// Ctrl-C: it must outlive the drain that Ctrl-C begins.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.User}
	return spawn(cmd, c.Death)
}

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the process ended, once it is done: nil means with exit code 0.
func (p *Process) Err() error { return p.err }

// Await asks again and again whether the server is ready. It returns when it is, and with
// an error when ready returns one, the process has ended, or ctx ends.
func (p *Process) Await(ctx context.Context, ready func() (bool, error)) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if yes, err := ready(); yes || err != nil {
			return err
		}
		select {
		case <-p.done:
			if p.err == nil {
				return errors.New("it ended at once")
			}
			return p.err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// Stop sends the signal, kills the server if it has not ended by then, and returns when
// it is gone.
func (p *Process) Stop(signal unix.Signal, grace time.Duration) {
	p.signal(signal)
	p.wait(grace)
}

func (p *Process) signal(signal unix.Signal) {
	// An error here means that it has ended already.
	_ = p.cmd.Process.Signal(signal)
}

// wait returns when the process has ended, and kills it after the grace.
func (p *Process) wait(grace time.Duration) {
	select {
	case <-p.done:
		return
	case <-time.After(grace):
	}
	_ = p.cmd.Process.Kill()
	<-p.done
}
