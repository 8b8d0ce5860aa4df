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
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/queuedyno/queuedyno/internal/privateserver"
	"github.com/queuedyno/queuedyno/internal/serverstart"
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
// new temporary folder. A node with cluster-enabled becomes a cluster of one.
func startProcess(ctx context.Context, o Options) (*Server, error) {
	if !isOn(o.Args, "cluster-enabled") {
		return startOne(ctx, o)
	}
	return startClusterOfOne(ctx, o)
}

// startOne starts one redis-server as it is.
func startOne(ctx context.Context, o Options) (*Server, error) {
	return startBinary(ctx, o, func(address, dir string) ([]string, error) {
		return writeSettings(address, dir, o.Args)
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
	privateserver.Sweep(os.TempDir(), "redis")
	for range portTries {
		var s *Server
		s, err = launch(ctx, binary, o, line)
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
	return "", serverstart.Unavailable(errors.New("redis-server not found in PATH"),
		`install it with "apt install redis-server" or "brew install redis", or use --redis embedded`)
}

// launch starts the binary once and waits until it answers. It returns
// errPortTaken when it is worth another try. The user's arguments tell the
// password and what else must not be shown.
func launch(ctx context.Context, binary string, o Options, line commandLine) (_ *Server, err error) {
	secret := password(o.Args)
	dir, err := privateserver.Folder(os.TempDir(), "redis")
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
	p := &process{
		command:  privateserver.Command{Binary: binary, Args: args, Dir: dir, Log: logPath, Death: unix.SIGKILL},
		starting: starting{address, secret, logPath, o.Log},
		args:     o.Args,
		ended:    make(chan struct{}),
	}
	if err := p.start(ctx); err != nil {
		log := privateserver.Tail(logPath)
		if strings.Contains(log, "Address already in use") {
			err = errPortTaken
		}
		if isLasting(err) || !p.began() { // the answer says it all
			err = fmt.Errorf("start %q: %w", binary, err)
		} else {
			err = fmt.Errorf("start %q: %w: %s", binary, err, hideSecrets(log, o.Args))
		}
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return newServer(Server{
		kind:    Process,
		url:     serverURL(address, secret),
		address: serverURL(address, ""),
		private: p,
		ended:   p.ended,
	}, p.close), nil
}

// writeSettings writes the settings of a server into a file in its folder, which
// keeps passwords out of the list of processes, and returns the arguments that
// name it. Of settings of one name the last counts: the user's override our
// defaults, and what keeps the server in our hands overrides the user's.
func writeSettings(address, dir string, user []string) ([]string, error) {
	host, port, _ := net.SplitHostPort(address)
	lines := argumentLines(slices.Concat(
		[]string{"--protected-mode", "yes", "--dir", dir, "--save", "", "--appendonly", "no"},
		user,
		[]string{"--bind", host, "--port", port, "--daemonize", "no", "--supervised", "no", "--logfile", ""},
	))
	path := filepath.Join(dir, "server.conf")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write the settings of redis-server: %w", err)
	}
	return []string{path}, nil
}

// freeAddress is a loopback address with a port that was free a moment ago. A
// node of a cluster listens 10,000 above as well, which must be a port, too.
func freeAddress() (string, error) {
	port, err := privateserver.FreePort(65535 - 10_000)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}
