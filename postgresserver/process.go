//go:build unix

package postgresserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/queuedyno/queuedyno/internal/postgres"
	"github.com/queuedyno/queuedyno/internal/privateserver"
)

// stopGrace is how long a server may take to stop before it is killed. Postgres
// gives its own processes 5 s.
const stopGrace = 10 * time.Second

// errRefused means that the server does not start with the user's settings.
var errRefused = errors.New("it refuses its settings")

// memoryNote is carried by every report on a server whose commits reach no disk.
const memoryNote = "the data of postgres was in memory (tmpfs), where a commit does not wait for a disk: set TMPDIR to a directory on the disk that you want to measure"

// startProcess starts a private server on a free loopback port, in a new temporary
// folder.
func startProcess(ctx context.Context, o Options) (*Server, error) {
	return startInstalled(ctx, o, machine{
		patterns: distributions,
		uid:      os.Geteuid(),
		users:    []string{"postgres", "nobody"},
		parents:  parents(os.Getenv, inMemory),
		port:     func() (int, error) { return privateserver.FreePort(65535) },
	})
}

// machine is what a private server depends on.
type machine struct {
	patterns []string // of the directories of distributions
	uid      int
	users    []string // that may run a server for root
	parents  []string // of the folder
	port     func() (int, error)
}

// startInstalled starts the Postgres that is installed on a machine.
func startInstalled(ctx context.Context, o Options, m machine) (*Server, error) {
	bin, err := lookBinaries(o.Getenv("PATH"), m.patterns)
	if err != nil {
		return nil, err
	}
	id, err := serverUser(m.uid, m.users...)
	if err != nil {
		return nil, err
	}
	for _, parent := range m.parents {
		privateserver.Sweep(parent, "postgres")
	}
	dir, err := id.folder(bin.postgres, m.parents)
	if err != nil {
		return nil, err
	}
	release := privateserver.Afterwards(removal, dir)
	remove := func() error {
		defer release()
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove the folder of postgres: %w", err)
		}
		return nil
	}
	c := cluster{bin: bin, id: id, dir: dir, password: rand.Text(), settings: o.Settings}
	if err := c.init(ctx); err != nil {
		return nil, errors.Join(err, remove())
	}
	s, err := privateserver.OnFreePort(func() (*Server, error) { return c.launch(ctx, m.port, remove) })
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	return s, nil
}

// removal waits, after the owner of a server was killed, until the server has ended,
// and removes its folder. A paused server does not get its signal before it goes on.
const removal = `i=0
kill -CONT "$(head -n 1 "$1/data/postmaster.pid")"
while [ -e "$1/data/postmaster.pid" ] && [ $i -lt 150 ]; do sleep 0.1; i=$((i+1)); done
rm -rf "$1"`

// cluster is the data of a private server.
type cluster struct {
	bin           binaries
	id            identity
	dir, password string
	settings      []string
}

func (c cluster) data() string { return filepath.Join(c.dir, "data") }

// command is a program of Postgres to run for the cluster.
func (c cluster) command(binary string, death unix.Signal, args ...string) privateserver.Command {
	return privateserver.Command{
		Binary: binary, Args: args, Dir: c.dir, Log: filepath.Join(c.dir, filepath.Base(binary)+".log"),
		Env: environment(), User: c.id.credential, Death: death,
	}
}

// init makes the data directory.
func (c cluster) init(ctx context.Context) error {
	secret := filepath.Join(c.dir, "password")
	if err := os.WriteFile(secret, []byte(c.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the password of postgres: %w", err)
	}
	defer os.Remove(secret)
	if err := c.id.own(secret); err != nil {
		return fmt.Errorf("write the password of postgres: %w", err)
	}
	command := c.command(c.bin.initdb, unix.SIGKILL, "-D", c.data(), "-U", owner, "--pwfile", secret,
		"-A", "scram-sha-256", "-E", "UTF8", "--locale", "C", "-N")
	p, err := privateserver.Run(command)
	if err != nil {
		return fmt.Errorf("start %q%s: %w", c.bin.initdb, c.id.as(), err)
	}
	tooLong := time.NewTimer(startTimeout)
	defer tooLong.Stop()
	select {
	case <-p.Done():
		err = p.Err()
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-tooLong.C:
		err = fmt.Errorf("not done within %v", startTimeout)
	}
	if err != nil {
		p.Stop(unix.SIGTERM, stopGrace)
		return fmt.Errorf("make a database with %q%s: %w: %s", c.bin.initdb, c.id.as(), err, privateserver.Tail(command.Log))
	}
	conf, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("write the settings of postgres: %w", err)
	}
	_, err = conf.WriteString("\n" + confLines(c.settings))
	if err := errors.Join(err, conf.Close()); err != nil {
		return fmt.Errorf("write the settings of postgres: %w", err)
	}
	return nil
}

// launch starts the server once and waits until it answers. It returns
// [privateserver.ErrPortTaken] when it is worth another try. remove removes the folder of a
// server that was closed.
func (c cluster) launch(ctx context.Context, choose func() (int, error), remove func() error) (*Server, error) {
	n, err := choose()
	if err != nil {
		return nil, fmt.Errorf("choose a port for postgres: %w", err)
	}
	address := loopback(strconv.Itoa(n))
	s := Server{kind: Process, url: privateURL(address, c.password), address: publicURL(address)}
	s.private, err = privateserver.Start(ctx, privateserver.Options{
		Name: "postgres", Kill: unix.SIGQUIT, Stop: unix.SIGQUIT, Grace: stopGrace,
		Launch: func(ctx context.Context) (p *privateserver.Process, err error) {
			p, s.version, err = c.run(ctx, n, s.url)
			return p, err
		},
		Others: func(ctx context.Context, stop func() error) ([]int, error) {
			return postgres.Processes(ctx, s.url, stop)
		},
	})
	if err != nil {
		return nil, err
	}
	if inMemory(c.dir) {
		s.note = memoryNote
	}
	return newServer(s, func() error { return errors.Join(s.private.Close(), remove()) }), nil
}

// run starts the server on a port and waits until it answers. It returns its version.
func (c cluster) run(ctx context.Context, port int, url string) (p *privateserver.Process, version string, err error) {
	// The socket is in the data directory, which the server makes its current directory:
	// a path to it could be too long for a socket. SIGQUIT is Postgres's immediate
	// shutdown, which also frees its shared memory.
	command := c.command(c.bin.postgres, unix.SIGQUIT, "-D", c.data(), "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=.")
	p, err = privateserver.Run(command)
	if err != nil {
		return nil, "", fmt.Errorf("start %q%s: %w", c.bin.postgres, c.id.as(), err)
	}
	version, err = c.waitReady(ctx, p, url)
	if err != nil {
		p.Stop(unix.SIGQUIT, stopGrace)
		log, _ := os.ReadFile(command.Log) // the tail names the problem
		said := hideSecrets(privateserver.Tail(command.Log), c.settings)
		switch refused := refusedSetting(string(log), c.settings); {
		case strings.Contains(string(log), "ddress already in use"):
			err = privateserver.ErrPortTaken
		case refused != "" && ctx.Err() == nil:
			err, said = errRefused, refused
		}
		return nil, "", fmt.Errorf("start %q: %w: %s", c.bin.postgres, err, said)
	}
	return p, version, nil
}

// waitReady waits until the server says that it is ready, and then asks for its version.
// Only after that is the answer at its port surely its own.
func (c cluster) waitReady(ctx context.Context, p *privateserver.Process, url string) (string, error) {
	within, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not ready within %v", startTimeout))
	defer cancel()
	if err := p.Await(within, func() (bool, error) { return c.ready(p.PID()), nil }); err != nil {
		return "", err
	}
	return postgres.Version(ctx, url)
}

// ready reports whether the file in which a server keeps its state says so: the first
// line is its process id, the eighth the state.
func (c cluster) ready(pid int) bool {
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	lines := strings.Split(string(text), "\n")
	return err == nil && len(lines) > 7 && strings.TrimSpace(lines[0]) == strconv.Itoa(pid) && strings.TrimSpace(lines[7]) == "ready"
}
