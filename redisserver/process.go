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

// stopGrace is how long a server may take to stop before it is killed.
const stopGrace = 3 * time.Second

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
	return privateserver.OnFreePort(func() (*Server, error) { return launch(ctx, binary, o, line) })
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
// [privateserver.ErrPortTaken] when it is worth another try.
func launch(ctx context.Context, binary string, o Options, line commandLine) (*Server, error) {
	dir, err := privateserver.Folder(os.TempDir(), "redis")
	if err != nil {
		return nil, fmt.Errorf("make a folder for redis-server: %w", err)
	}
	remove := func() error {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove the folder of redis-server: %w", err)
		}
		return nil
	}
	address, err := freeAddress()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("choose a port for redis-server: %w", err), remove())
	}
	args, err := line(address, dir)
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	p := process{
		command:  privateserver.Command{Binary: binary, Args: args, Dir: dir, Log: filepath.Join(dir, "server.log"), Death: unix.SIGKILL},
		options:  o,
		address:  address,
		password: password(o.Args),
	}
	private, err := privateserver.Start(ctx, privateserver.Options{
		Name: "redis-server", Launch: p.run, Kill: unix.SIGKILL, Stop: unix.SIGTERM, Grace: stopGrace,
	})
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	return newServer(Server{
		kind:    Process,
		url:     serverURL(address, p.password),
		address: serverURL(address, ""),
		private: private,
	}, func() error { return errors.Join(private.Close(), remove()) }), nil
}

// process is how a server is started, and started again after it was killed.
type process struct {
	command           privateserver.Command
	options           Options // the arguments tell what must not be shown
	address, password string
}

// run starts the server and waits until it answers.
func (p process) run(ctx context.Context) (*privateserver.Process, error) {
	c, err := privateserver.Run(p.command)
	if err != nil {
		return nil, fmt.Errorf("start %q: %w", p.command.Binary, err)
	}
	if err = p.waitReady(ctx, c); err == nil {
		return c, nil
	}
	c.Stop(unix.SIGTERM, stopGrace)
	log := privateserver.Tail(p.command.Log)
	if strings.Contains(log, "Address already in use") {
		err = privateserver.ErrPortTaken
	}
	err = fmt.Errorf("start %q: %w", p.command.Binary, err)
	if isLasting(err) { // the answer says it all
		return nil, err
	}
	return nil, fmt.Errorf("%w: %s", err, hideSecrets(log, p.options.Args))
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
