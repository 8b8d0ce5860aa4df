//go:build unix

package redisserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// stopGrace is how long a server may take to stop before it is killed.
	stopGrace = 3 * time.Second
	// portTries is how often another port is tried when a port was taken
	// between being chosen and being bound.
	portTries = 5
)

// errPortTaken means that another process was faster to bind the port.
var errPortTaken = errors.New("port was taken in the meantime")

// startProcess starts a private redis-server on a free loopback port, in a
// temporary folder of its own.
func startProcess(ctx context.Context, o Options) (*Server, error) {
	return startBinary(ctx, o, func(address, dir string) ([]string, error) {
		return serverArgs(address, dir, o.Args), nil
	})
}

// commandLine makes the arguments of a server that is to listen at the address
// and may use the folder.
type commandLine func(address, dir string) ([]string, error)

// startBinary starts the server that PATH holds.
func startBinary(ctx context.Context, o Options, line commandLine) (*Server, error) {
	binary, err := lookServer(o.Getenv("PATH"))
	if err != nil {
		return nil, err
	}
	sweep(os.TempDir())
	for range portTries {
		var s *Server
		s, err = launch(ctx, binary, o.Args, line)
		if err == nil || !errors.Is(err, errPortTaken) {
			return s, err
		}
	}
	return nil, err
}

// lookServer finds redis-server, or else valkey-server, in the given PATH.
func lookServer(path string) (string, error) {
	for _, name := range []string{"redis-server", "valkey-server"} {
		for _, dir := range filepath.SplitList(path) {
			// As exec.LookPath does, never run what lies in the current folder.
			if !filepath.IsAbs(dir) {
				continue
			}
			if binary, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return binary, nil
			}
		}
	}
	return "", unavailable(errors.New("redis-server not found in PATH"),
		`install it with "apt install redis-server" or "brew install redis", or use --redis embedded`)
}

// launch starts the binary once and waits until it answers. It returns
// errPortTaken when it is worth another try. The user's arguments tell the
// password and what else must not be shown.
func launch(ctx context.Context, binary string, user []string, line commandLine) (_ *Server, err error) {
	dir, err := makeFolder(os.TempDir())
	if err != nil {
		return nil, fmt.Errorf("make a folder for redis-server: %w", err)
	}
	address, err := freeAddress()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("choose a port for redis-server: %w", err), os.RemoveAll(dir))
	}
	logPath := filepath.Join(dir, "server.log")
	args, err := line(address, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	c, err := run(binary, args, dir, logPath)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %q: %w", binary, err), os.RemoveAll(dir))
	}
	if err := c.waitReady(ctx, address, password(user)); err != nil {
		c.stop()
		log := tail(logPath)
		if strings.Contains(log, "Address already in use") {
			err = errPortTaken
		}
		err = fmt.Errorf("start %q: %w: %s", binary, err, hideSecrets(log, user))
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return newServer(Server{
		kind:    Process,
		url:     serverURL(address, password(user)),
		address: serverURL(address, ""),
		pid:     c.pid(),
		ended:   c.done,
	}, func() error {
		c.stop()
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove the folder of redis-server: %w", err)
		}
		return nil
	}), nil
}

// serverArgs are our settings first, so that the user's override them.
func serverArgs(address, dir string, user []string) []string {
	host, port, _ := net.SplitHostPort(address)
	return append([]string{
		"--bind", host, "--port", port, "--protected-mode", "yes",
		"--dir", dir, "--save", "", "--appendonly", "no",
	}, user...)
}

// freeAddress is a loopback address with a port that was free a moment ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// child is a running server.
type child struct {
	cmd *exec.Cmd
	// done is closed when the process has ended; err says how.
	done chan struct{}
	err  error
	// owner is what the watcher of [supervise] waits on; nil without one.
	owner *os.File
}

// run starts the server with its output in the file at logPath.
func run(binary string, args []string, dir, logPath string) (*child, error) {
	log, err := os.Create(logPath)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(binary, args...)
	cmd.Dir = dir
	// Files, not pipes: nothing has to be read for the server to go on.
	cmd.Stdout, cmd.Stderr = log, log
	// In a process group of its own, the server is spared the terminal's
	// Ctrl-C: it must outlive the drain that Ctrl-C begins.
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	return spawn(cmd)
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// waitReady waits until the server answers, ends, or takes too long.
func (c *child) waitReady(ctx context.Context, address, password string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("no answer within %v", startTimeout))
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		pid, err := probe(ctx, address, password)
		// Another Redis may have bound the port before ours did, and ours is
		// about to say so: only the answer of our own process counts.
		if err == nil && pid == c.pid() {
			return nil
		}
		if err != nil {
			last = err
		}
		select {
		case <-c.done:
			if c.err == nil {
				return errors.New("it ended at once")
			}
			return c.err
		case <-ctx.Done():
			return fmt.Errorf("%w (last: %w)", context.Cause(ctx), last)
		case <-tick.C:
		}
	}
}

// stop ends the server and returns when it is gone.
func (c *child) stop() {
	// An error here means that it has ended already.
	_ = c.cmd.Process.Signal(unix.SIGTERM)
	select {
	case <-c.done:
		return
	case <-time.After(stopGrace):
	}
	_ = c.cmd.Process.Kill()
	<-c.done
}

// tail is the end of a log in one line, short enough for an error.
func tail(path string) string {
	const lines, size = 8, 2000
	b, err := os.ReadFile(path)
	if err != nil {
		return "its log is gone"
	}
	return lastLines(string(b), lines, size)
}

// makeFolder makes a folder whose name tells [sweep] who owns it.
func makeFolder(tmp string) (string, error) {
	return os.MkdirTemp(tmp, folderPrefix()+strconv.Itoa(os.Getpid())+"-*")
}
