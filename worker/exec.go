package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Command is work that a program does: one process for each job.
//
// The process finds the job's id in QUEUEDYNO_JOB_ID, whose it is in
// QUEUEDYNO_TENANT_ID, and the element as it was in the list on its standard
// input. Exit code 0 means that the job is done; any other that it failed, and
// the last line on standard error says why.
//
// On Unix each process is the leader of a new process group: a Ctrl-C meant for
// the pool does not reach it, and to end it is to end all that it started.
type Command struct {
	// Args are the program and its arguments. Required.
	Args []string
	// Timeout ends a process that takes longer; 0 lets it run.
	Timeout time.Duration
	// Stdout takes what all processes write to their standard output; nil
	// throws it away. An [os.File] is written to by them directly.
	Stdout io.Writer
}

// pipeWait is how long the pipes of a process are waited for that has ended:
// what it started and left behind may keep them open.
const pipeWait = time.Second

// Exec is the command as [Work]. The program is looked up now, once.
func Exec(c Command) (Work, error) {
	if len(c.Args) == 0 {
		return nil, errors.New("there is no command")
	}
	path, err := exec.LookPath(c.Args[0])
	if err != nil {
		return nil, fmt.Errorf("find the command: %w", err)
	}
	env := os.Environ()
	return func(ctx context.Context, job Job) error { return c.run(ctx, path, env, job) }, nil
}

func (c Command) run(ctx context.Context, path string, env []string, job Job) error {
	if c.Timeout > 0 {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	var said tail
	cmd := &exec.Cmd{
		Path: path, Args: c.Args,
		Env:    append(env[:len(env):len(env)], "QUEUEDYNO_JOB_ID="+job.ID, "QUEUEDYNO_TENANT_ID="+job.Tenant),
		Stdout: c.Stdout, Stderr: &said,
		WaitDelay: pipeWait,
	}
	closeInput, err := feed(cmd, job.Element)
	if err != nil {
		return fmt.Errorf("start the command: %w", err)
	}
	defer closeInput()
	alone(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the command: %w", err)
	}
	// What exec.CommandContext does, without a goroutine for each process.
	ended := context.AfterFunc(ctx, func() { kill(cmd) })
	err = cmd.Wait()
	ended()
	switch code := cmd.ProcessState.ExitCode(); {
	case err == nil, code == 0:
		return nil // code 0 with an error: the pipes outlived the process
	case errors.Is(ctx.Err(), context.DeadlineExceeded) && c.Timeout > 0:
		return said.because(fmt.Sprintf("did not end within %s", c.Timeout))
	case code > 0:
		return said.because(fmt.Sprintf("exit code %d", code))
	default:
		return said.because(err.Error())
	}
}

// feed puts the element on the process's standard input. What fits into every
// pipe is written before anybody reads, which spares a goroutine.
func feed(cmd *exec.Cmd, element []byte) (closeInput func(), err error) {
	const fits = 4096
	if len(element) > fits {
		cmd.Stdin = bytes.NewReader(element)
		return func() {}, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdin = r
	_, err = w.Write(element)
	if err = errors.Join(err, w.Close()); err != nil {
		r.Close()
		return nil, err
	}
	return func() { r.Close() }, nil
}

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

// tailMost bounds what is kept, and lastMost what an error quotes of it.
const tailMost, lastMost = 4096, 500

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-tailMost):]...)
	if over := len(t.kept) - tailMost; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// because is an error of the given text and, after it, the last line that was
// written, if there was one.
func (t *tail) because(what string) error {
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "\uFFFD"))
	line := strings.TrimSpace(text[strings.LastIndexAny(text, "\r\n")+1:])
	if line == "" {
		return errors.New(what)
	}
	if letters := []rune(line); len(letters) > lastMost {
		line = string(letters[:lastMost]) + "…"
	}
	return errors.New(what + ": " + line)
}
