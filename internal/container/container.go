// Package container runs a server in a Docker container, and says what to do where that
// is impossible.
//
// Begin reading at [Start].
package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/queuedyno/queuedyno/internal/privateserver"
	"github.com/queuedyno/queuedyno/internal/serverstart"
)

const (
	// daemonTimeout bounds the question whether there is a Docker daemon.
	daemonTimeout = 10 * time.Second
	// pullTimeout bounds the wait for an image and its container. Users with
	// a slower line pull it first.
	pullTimeout = 2 * time.Minute
)

// Spec describes a container and what is to be known about its server.
type Spec struct {
	// Server is the name of the server in messages.
	Server string
	// Image is the image, and ImageVariable the variable that names another.
	Image, ImageVariable string
	// Instead is what else a user may do, as in "use --redis process".
	Instead string
	// Port is where the server listens inside the container, as in "6379/tcp".
	Port string
	Args []string
	Env  map[string]string
	// Ready asks the server at an address whether it takes commands. An error is
	// lasting if the server will never answer otherwise. Docker publishes the port on
	// all interfaces, so the server must have a password; it also tells the server from
	// another one at that address.
	Ready func(ctx context.Context, address string) (lasting bool, err error)
	// ReadyTimeout bounds the wait for that.
	ReadyTimeout time.Duration
	// Log gets a line about a long wait.
	Log func(line string)
	// Hide takes the secrets out of the container's log.
	Hide func(text string) string
}

// Container is a running container.
type Container struct {
	container testcontainers.Container
	server    string
	address   string
}

// Address is host and port of the server.
func (c *Container) Address() string { return c.address }

// Start starts a container and waits until its server is ready.
//
// When this process is killed, testcontainers' reaper removes the container,
// unless the user has disabled the reaper.
func Start(ctx context.Context, s Spec) (*Container, error) {
	silenceTestcontainers()
	present, err := findImage(ctx, s.Image)
	if err != nil {
		return nil, serverstart.Unavailable(fmt.Errorf("no Docker daemon answers: %s", oneLine(err)),
			"start Docker, or "+s.Instead)
	}
	if !present {
		s.Log(fmt.Sprintf("%s: pulling the Docker image %q", s.Server, s.Image))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, pullTimeout, fmt.Errorf("not ready within %v", pullTimeout))
	defer cancel()
	c, err := testcontainers.Run(ctx, s.Image,
		testcontainers.WithLogger(log.NewNoopLogger()),
		testcontainers.WithExposedPorts(s.Port),
		testcontainers.WithEnv(s.Env),
		testcontainers.WithCmdArgs(s.Args...),
		testcontainers.WithWaitStrategy(wait.ForMappedPort(s.Port)),
	)
	none := c == nil // a nil pointer inside an interface would not be nil
	if none && err == nil {
		err = errors.New("there is no container")
	}
	made := &Container{server: s.Server}
	if !none {
		made.container = c
	}
	if err != nil && strings.Contains(err.Error(), "reaper: ") {
		err = serverstart.Unavailable(fmt.Errorf("start the reaper of testcontainers: %w", cause(ctx, err)),
			"offline? set TESTCONTAINERS_RYUK_DISABLED=true and remove containers of killed runs yourself, or "+s.Instead)
		return nil, errors.Join(err, made.Close())
	}
	if err != nil && none && !present {
		return nil, serverstart.Unavailable(fmt.Errorf("pull the Docker image %q: %w", s.Image, cause(ctx, err)),
			fmt.Sprintf("offline? bring it here with \"docker pull %s\" or \"docker load\", name another in %s, or %s", s.Image, s.ImageVariable, s.Instead))
	}
	if err == nil {
		made.address, err = made.wait(ctx, s)
	}
	if err != nil {
		err = fmt.Errorf("start a container of %q: %w: %s", s.Image, cause(ctx, err), s.Hide(made.log()))
		return nil, errors.Join(err, made.Close())
	}
	return made, nil
}

// wait waits until the server in the container answers and returns its address.
func (c *Container) wait(ctx context.Context, s Spec) (string, error) {
	published, err := c.container.PortEndpoint(ctx, s.Port, "")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(published)
	if err != nil {
		return "", err
	}
	// Not localhost: Docker may publish another port for ::1 than the one it
	// names. And where this process runs in a container together with the
	// daemon, testcontainers takes its own gateway for the daemon's address.
	// The password keeps us from taking another server for ours.
	addresses := []string{net.JoinHostPort("127.0.0.1", port)}
	if !strings.HasPrefix(published, "localhost:") {
		addresses = append([]string{published}, addresses...)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.ReadyTimeout, fmt.Errorf("no answer within %v", s.ReadyTimeout))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var errs []error
		never := true
		for _, address := range addresses {
			lasting, err := s.Ready(ctx, address)
			if err == nil {
				return address, nil
			}
			errs, never = append(errs, err), never && lasting
		}
		if never {
			return "", &lastingError{errs[0]}
		}
		// Docker's own proxy accepts connections before the server does, and
		// after the server has ended.
		if state, err := c.container.State(ctx); err == nil && !state.Running {
			return "", fmt.Errorf("it ended with exit code %d", state.ExitCode)
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%w (last: %s)", context.Cause(ctx), oneLine(errors.Join(errs...)))
		case <-tick.C:
		}
	}
}

// lastingError is an answer that never changes: there is no deeper cause.
type lastingError struct{ error }

// cause is the innermost error, without the names of the calls that it went
// through; or the deadline, in place of the errors that follow from it.
func cause(ctx context.Context, err error) error {
	if lasting, ok := errors.AsType[*lastingError](err); ok {
		return lasting.error
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// oneLine is the text of joined errors in one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// log is the end of the container's log, in one line.
func (c *Container) log() string {
	if c.container == nil {
		return "there is no container"
	}
	// The caller's context may be what ended the start.
	ctx, cancel := context.WithTimeout(context.Background(), daemonTimeout)
	defer cancel()
	r, err := c.container.Logs(ctx)
	if err != nil {
		return "its log cannot be read"
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, 1<<16))
	if err != nil {
		return "its log cannot be read"
	}
	return privateserver.LastLines(string(b))
}

// Close stops and removes the container.
func (c *Container) Close() error {
	if c.container == nil {
		return nil
	}
	// Nothing in it is worth a graceful end.
	if err := testcontainers.TerminateContainer(c.container, testcontainers.StopTimeout(0)); err != nil {
		return fmt.Errorf("remove the %s container: %w", c.server, err)
	}
	return nil
}
