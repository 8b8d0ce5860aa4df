package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// postgres is the one server of this test binary.
var postgres struct {
	once      sync.Once
	cmd       *exec.Cmd
	directory string
	url       string // without a database
	err       error
}

// newDatabase returns the URL of an empty database.
func newDatabase(t *testing.T) string {
	t.Helper()
	postgres.once.Do(startPostgres)
	if errors.Is(postgres.err, exec.ErrNotFound) {
		redistest.Missing(t, "postgres", postgres.err)
	}
	if postgres.err != nil {
		t.Fatal(postgres.err)
	}
	conn, err := pgx.Connect(t.Context(), postgres.url+"/postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	name := "test_" + strings.ToLower(rand.Text())
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return postgres.url + "/" + name
}

func startPostgres() {
	postgres.err = func() error {
		bin, err := postgresPrograms()
		if err != nil {
			return err
		}
		attributes, owner, err := unprivileged()
		if err != nil {
			return err
		}
		if postgres.directory, err = os.MkdirTemp("", "async-backend-postgres-"); err != nil {
			return err
		}
		if owner != nil {
			if err := os.Chown(postgres.directory, int(owner.Uid), int(owner.Gid)); err != nil {
				return err
			}
		}
		data := filepath.Join(postgres.directory, "data")
		command := func(name string, args ...string) *exec.Cmd {
			c := exec.Command(filepath.Join(bin, name), args...)
			c.Dir, c.SysProcAttr = postgres.directory, attributes
			return c
		}
		if out, err := command("initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-D", data).CombinedOutput(); err != nil {
			return fmt.Errorf("initdb: %w: %s", err, out)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		l.Close()
		postgres.cmd = command("postgres", "-D", data, "-p", port, "-k", "", "-c", "listen_addresses=127.0.0.1",
			"-c", "fsync=off", "-c", "max_connections=300")
		if err := postgres.cmd.Start(); err != nil {
			return err
		}
		postgres.url = "postgres://postgres@127.0.0.1:" + port
		for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			conn, err := pgx.Connect(context.Background(), postgres.url+"/postgres")
			if err == nil {
				return conn.Close(context.Background())
			}
			if time.Now().After(end) {
				return err
			}
		}
	}()
}

// stopPostgres ends the server if there is one.
func stopPostgres() {
	if postgres.cmd != nil && postgres.cmd.Process != nil {
		_ = postgres.cmd.Process.Signal(os.Interrupt)
		_ = postgres.cmd.Wait()
	}
	if postgres.directory != "" {
		_ = os.RemoveAll(postgres.directory)
	}
}

// postgresPrograms is the directory of the server's programs, which Debian keeps
// out of PATH.
func postgresPrograms() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", fmt.Errorf("initdb: %w", exec.ErrNotFound)
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// unprivileged is how a child runs as another user if this process is root, as
// which Postgres refuses to run.
func unprivileged() (*syscall.SysProcAttr, *syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, nil, err
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, err
	}
	c := &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return &syscall.SysProcAttr{Credential: c}, c, nil
}
