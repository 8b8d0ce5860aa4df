// Package workergroup starts the workers under test: a command of the user's in a
// new process group, which is ended with everything it started.
//
// It reports when the command has ended, its last output, and the CPU time of its
// processes, and leaves no process behind: not after an error, not when a worker
// ignores signals, and not when this process is killed. It knows nothing of Redis,
// queues and jobs, and does not find out whether a worker is ready. Package worker
// starts a process for each job.
//
// Begin reading at [Start].
package workergroup

import (
	"cmp"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// Command is what is started.
type Command struct {
	// Line is read by sh. Required.
	Line string
	// Env is the whole environment, as [exec.Cmd] takes it; nil is our own.
	Env []string
	// Dir is where it runs, empty where we do.
	Dir string
	// Patience is how long the processes may take to end after they were asked
	// to. Zero means [Patience].
	Patience time.Duration
}

// Patience is how long workers get to finish their jobs.
const Patience = 10 * time.Second

// Ending is how a command ended.
type Ending struct {
	// What is "exit code 3" or "signal: killed", and Code the exit code, -1
	// after a signal.
	What string
	Code int
	// At is when.
	At time.Time
}

// Group is a command that was started, with all that it started in turn. It is
// safe for concurrent use.
type Group struct {
	cmd      *exec.Cmd
	patience time.Duration
	members  *members
	output   *output
	release  func() // of the guard

	ask    sync.Once
	asked  chan struct{} // closed when they are to end
	atOnce atomic.Bool   // they are killed, not asked
	ended  chan struct{} // closed when the command has
	gone   chan struct{} // closed when nothing is left of it
	ending Ending
	killed atomic.Bool
}

// Start starts the command. It reads nothing on its standard input. What it
// writes to its standard output and error is kept for [Group.Said] in a file. With a
// pipe, this process would read each line of a worker that logs every job, on the
// CPUs that are being measured.
//
// On Unix the command leads a group of processes, which a Ctrl-C in the terminal
// does not reach: workers must outlive the drain that it begins.
func Start(c Command) (*Group, error) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		return nil, fmt.Errorf("find a shell for the worker: %w", err)
	}
	out, err := newOutput()
	if err != nil {
		return nil, fmt.Errorf("keep the output of the worker: %w", err)
	}
	g := &Group{
		cmd:      exec.Command(sh, "-c", c.Line),
		patience: c.Patience,
		output:   out,
		asked:    make(chan struct{}), ended: make(chan struct{}), gone: make(chan struct{}),
	}
	g.patience = cmp.Or(g.patience, Patience)
	g.cmd.Args[0] = "sh" // as which it complains
	g.cmd.Env, g.cmd.Dir = c.Env, c.Dir
	g.cmd.Stdout, g.cmd.Stderr = out.file, out.file
	lead(g.cmd)
	if err := g.cmd.Start(); err != nil {
		out.close()
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	g.members = newMembers(g.cmd.Process)
	g.release, err = guard(g.cmd.Process.Pid)
	if err != nil {
		g.release = func() {}
		close(g.asked)
		g.watch()
		return nil, fmt.Errorf("start the guard of the worker: %w", err)
	}
	go g.watch()
	return g, nil
}

// Ended is closed when the command has ended, by itself or because it was asked
// to.
func (g *Group) Ended() <-chan struct{} { return g.ended }

// Ending is how it ended, once Ended is closed.
func (g *Group) Ending() Ending {
	<-g.ended
	return g.ending
}

// Said is what the processes wrote last, in lines, oldest first. It may hold
// secrets: what a worker logs is up to the worker.
func (g *Group) Said() []string { return g.output.last() }

// Stop asks every process of the group to end (SIGTERM), gives them the patience
// of the command, and kills those that are left. It returns when all have ended, and
// reports whether any had to be killed. On systems other than Unix the command is
// always killed, which is not reported. Every call
// after the first returns the same.
func (g *Group) Stop() (killed bool) {
	g.ask.Do(func() { close(g.asked) })
	<-g.gone
	return g.killed.Load()
}

// Kill ends every process of the group at once, without asking, and returns when all have
// ended.
func (g *Group) Kill() {
	select {
	case <-g.gone:
		return // another group may have the number of this one
	default:
	}
	g.atOnce.Store(true)
	g.members.kill()
	g.ask.Do(func() { close(g.asked) })
	<-g.gone
}

// Pause stops every process of the group, as SIGSTOP does, until Resume. Where [Pausable] is
// false it fails.
func (g *Group) Pause() error { return g.members.pause() }

// Resume lets the processes of the group go on.
func (g *Group) Resume() error { return g.members.resume() }

// lookEvery is how often it is checked whether processes are left: only the end of
// children is reported.
const lookEvery = 20 * time.Millisecond

// watch waits for the end of the command and sees to it that nothing is left.
// What a command leaves behind is ended with it: later it would not be known
// whose those processes are, and another group may get the number of theirs.
func (g *Group) watch() {
	defer close(g.gone)
	defer g.output.close()
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		g.over(g.cmd.Wait())
	}()
	trim := time.NewTicker(time.Second)
	defer trim.Stop()
	for asked := false; !asked; {
		select {
		case <-trim.C:
			g.output.trim()
		case <-waited:
			asked = true
		case <-g.asked:
			asked = true
		}
	}
	g.end(waited)
	g.release()
}

// over notes how the command ended.
func (g *Group) over(err error) {
	g.ending = Ending{What: fmt.Sprintf("exit code %d", g.cmd.ProcessState.ExitCode()), Code: g.cmd.ProcessState.ExitCode(), At: time.Now()}
	var exit *exec.ExitError
	if g.ending.Code < 0 || err != nil && !errors.As(err, &exit) {
		g.ending.What = err.Error()
	}
	close(g.ended)
}

// end ends what there is of the group, first by asking.
func (g *Group) end(waited <-chan struct{}) {
	// After a kill only a process that the kernel holds up can be left.
	const held = 2 * time.Second
	out, patience := g.atOnce.Load(), g.patience
	if out {
		patience = held
		g.members.kill() // those that were being started
	} else {
		g.members.terminate()
		_ = g.members.resume() // one that is paused would not end
	}
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-waited:
			if !g.members.alive() {
				return
			}
		default:
		}
		select {
		case <-look.C:
		case <-deadline.C:
			if out {
				return
			}
			out = true
			g.killed.Store(true)
			g.members.kill()
			deadline.Reset(held)
		}
	}
}
