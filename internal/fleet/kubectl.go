package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Kubectl is the user's kubectl, which knows the cluster and has the rights. It is safe
// for concurrent use.
type Kubectl struct {
	// Program is its path.
	Program string
	// Global are arguments of every call, such as --context.
	Global []string
	// Environ is its environment.
	Environ []string
	// Apart changes the command before it is started, so that a Ctrl-C in the terminal
	// does not reach it. Optional.
	Apart func(*exec.Cmd)
}

// maxSaid bounds what is kept of what kubectl writes to standard error.
const maxSaid = 4 << 10

// output runs kubectl and returns what it wrote to standard output.
func (k Kubectl) output(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	var out bytes.Buffer
	err := k.stream(ctx, bytes.NewReader(stdin), &out, args...)
	return out.Bytes(), err
}

// stream runs kubectl with its standard input, which may be nil, and its standard output.
func (k Kubectl) stream(ctx context.Context, in io.Reader, out io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, k.Program, slices.Concat(k.Global, args)...)
	said := &limited{most: maxSaid}
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = k.Environ, in, out, said
	if k.Apart != nil {
		k.Apart(cmd)
	}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		return k.failed(ctx, args[0], said, err)
	}
	return nil
}

// KubectlError says what kubectl could not do.
type KubectlError struct {
	Verb string
	Said string // the last line that kubectl wrote, may be empty
	Err  error
}

func (e *KubectlError) Error() string {
	if e.Said != "" {
		return "kubectl " + e.Verb + ": " + e.Said
	}
	return "kubectl " + e.Verb + ": " + e.Err.Error()
}

func (e *KubectlError) Unwrap() error { return e.Err }

func (k Kubectl) failed(ctx context.Context, verb string, said *limited, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("kubectl %s: there is no program %q", verb, k.Program)
	}
	lines := strings.Split(strings.TrimSpace(string(said.bytes)), "\n")
	return &KubectlError{Verb: verb, Said: strings.TrimSpace(lines[len(lines)-1]), Err: err}
}

// limited keeps the last bytes that were written to it.
type limited struct {
	most  int
	bytes []byte
}

func (l *limited) Write(p []byte) (int, error) {
	l.bytes = append(l.bytes, p...)
	if extra := len(l.bytes) - l.most; extra > 0 {
		l.bytes = append(l.bytes[:0], l.bytes[extra:]...)
	}
	return len(p), nil
}
