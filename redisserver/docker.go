package redisserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	tcredis "github.com/testcontainers/testcontainers-go/modules/redis"
	"github.com/testcontainers/testcontainers-go/wait"
)

// DefaultImage is the image of the docker kind: what most production systems
// run.
const DefaultImage = "redis:7-alpine"

const (
	// dockerTimeout bounds the question whether there is a Docker daemon.
	dockerTimeout = 3 * time.Second
	// pullTimeout bounds the wait for an image and its container. Users with
	// with a slower line, pull it first.
	pullTimeout = 2 * time.Minute
	// redisPort is where the server listens inside its container.
	redisPort = "6379/tcp"
)

// dockerNote is carried by every report on a container.
const dockerNote = "redis ran in a Docker container, whose network adds latency: compare its figures only with others from a container"

// startDocker starts a private container.
//
// When this process is killed, testcontainers' reaper removes the container,
// unless the user has disabled the reaper.
func startDocker(ctx context.Context, o Options) (*Server, error) {
	silenceTestcontainers()
	image := o.image()
	present, err := findImage(ctx, image)
	if err != nil {
		return nil, unavailable(fmt.Errorf("no Docker daemon answers: %s", oneLine(err)),
			"start Docker, or use --redis process or --redis embedded")
	}
	if !present {
		o.Log(fmt.Sprintf("redis: pulling the Docker image %q", image))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, pullTimeout, fmt.Errorf("not ready within %v", pullTimeout))
	defer cancel()
	// Docker publishes the port on all interfaces of the host, and a Redis
	// without a password is found and abused within minutes. The password also
	// tells our server from any other, see waitContainer.
	if isOn(o.Args, "cluster-enabled") {
		return nil, usageErrorf("redis-server argument \"--cluster-enabled\": the nodes of a cluster in a container cannot be reached by the addresses that they name; use --redis process, or name the URL of a cluster")
	}
	args := slices.Concat([]string{"--save", "", "--appendonly", "no", "--requirepass", rand.Text()}, o.Args,
		[]string{"--daemonize", "no", "--supervised", "no"})
	c, err := tcredis.Run(ctx, image,
		testcontainers.WithLogger(log.NewNoopLogger()),
		testcontainers.WithCmdArgs(args...),
		// In place of the module's own, which wants to see a line of the log
		// that the user's --loglevel may suppress.
		testcontainers.WithWaitStrategy(wait.ForMappedPort(redisPort)),
	)
	if err != nil && strings.Contains(err.Error(), "reaper: ") {
		err = unavailable(fmt.Errorf("start the reaper of testcontainers: %w", cause(ctx, err)),
			"offline? set TESTCONTAINERS_RYUK_DISABLED=true and remove containers of killed runs yourself, or use --redis process")
		return nil, errors.Join(err, terminate(c))
	}
	if err != nil && c == nil && !present {
		return nil, unavailable(fmt.Errorf("pull the Docker image %q: %w", image, cause(ctx, err)),
			fmt.Sprintf("offline? bring it here with \"docker pull %s\" or \"docker load\", name another in QUEUEDYNO_IMAGE, or use --redis process", image))
	}
	var address string
	if err == nil {
		address, err = waitContainer(ctx, c, password(args))
	}
	if err != nil {
		err = fmt.Errorf("start a container of %q: %w: %s", image, cause(ctx, err), hideSecrets(containerLog(c), args))
		return nil, errors.Join(err, terminate(c))
	}
	return newServer(Server{
		kind:    Docker,
		url:     serverURL(address, password(args)),
		address: serverURL(address, ""),
		note:    dockerNote,
	}, func() error { return terminate(c) }), nil
}

// image is the image that the options name.
func (o Options) image() string {
	if o.Image != "" {
		return o.Image
	}
	if v := o.Getenv("QUEUEDYNO_IMAGE"); v != "" {
		return v
	}
	return DefaultImage
}

// findImage reports whether the daemon has the image, or an error when no
// daemon answers in time.
//
// It must come before any other use of testcontainers, which remembers for the
// life of the process whether it found a daemon, and asks without a deadline
// unless it is given one here. Some of its ways to a socket panic.
func findImage(ctx context.Context, image string) (present bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, dockerTimeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("look for a Docker daemon: %v", r)
		}
	}()
	client, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return false, err
	}
	defer client.Close()
	if _, err = client.ImageInspect(ctx, image); errdefs.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// waitContainer waits until the server in the container answers and returns
// its address.
func waitContainer(ctx context.Context, c *tcredis.RedisContainer, password string) (string, error) {
	published, err := c.PortEndpoint(ctx, redisPort, "")
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
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("no answer within %v", startTimeout))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var errs []error
		lasting := true
		for _, address := range addresses {
			a, err := probe(ctx, address, password)
			if err == nil && !a.loading {
				return address, nil
			}
			if err == nil {
				err = errors.New("it still loads its data set")
			}
			errs, lasting = append(errs, err), lasting && isLasting(err)
		}
		if lasting {
			return "", explainRefusal(errs[0])
		}
		// Docker's own proxy accepts connections before the server does, and
		// after the server has ended.
		if state, err := c.State(ctx); err == nil && !state.Running {
			return "", fmt.Errorf("it ended with exit code %d", state.ExitCode)
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%w (last: %w)", context.Cause(ctx), errors.Join(errs...))
		case <-tick.C:
		}
	}
}

// cause is the innermost error, without the names of the calls that passed it
// on; or the deadline, in place of the errors that follow from it.
func cause(ctx context.Context, err error) error {
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

// containerLog is the end of the container's log, in one line.
func containerLog(c *tcredis.RedisContainer) string {
	if c == nil {
		return "there is no container"
	}
	// The caller's context may be what ended the start.
	ctx, cancel := context.WithTimeout(context.Background(), dockerTimeout)
	defer cancel()
	r, err := c.Logs(ctx)
	if err != nil {
		return "its log cannot be had"
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, 1<<16))
	if err != nil || len(b) == 0 {
		return "its log is empty"
	}
	return lastLines(string(b), 8, 2000)
}

// terminate stops and removes the container.
func terminate(c *tcredis.RedisContainer) error {
	if c == nil {
		return nil
	}
	// Nothing in it is worth a graceful end.
	if err := testcontainers.TerminateContainer(c, testcontainers.StopTimeout(0)); err != nil {
		return fmt.Errorf("remove the redis container: %w", err)
	}
	return nil
}

// silenceTestcontainers takes away its chatter on standard error: part of it
// goes to a logger that only this global setting reaches. A logger that a
// program has set for itself is left alone.
var silenceTestcontainers = sync.OnceFunc(func() {
	l, ok := log.Default().(interface{ Writer() io.Writer })
	if ok && l.Writer() == os.Stderr {
		log.SetDefault(log.NewNoopLogger())
	}
})
