//go:build unix

package jobtable_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/queuedyno/queuedyno/internal/jobtable"
)

// server is the URL of the Postgres of these tests, "" where none is installed.
var server string

const (
	password    = "hunter2-pg"
	connections = 40
)

func TestMain(m *testing.M) { os.Exit(withServer(m)) }

// withServer runs the tests with a private Postgres.
func withServer(m *testing.M) int {
	bin := binaries()
	if bin == "" {
		return m.Run()
	}
	folder, err := os.MkdirTemp("", "jobtable")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	attr := &syscall.SysProcAttr{}
	if os.Getuid() == 0 { // Postgres refuses to be started by root
		uid, gid := 65534, 65534
		if u, err := user.Lookup("postgres"); err == nil {
			uid, _ = strconv.Atoi(u.Uid)
			gid, _ = strconv.Atoi(u.Gid)
		}
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(folder, uid, gid); err != nil {
			panic(err)
		}
	}
	secret, data := filepath.Join(folder, "password"), filepath.Join(folder, "data")
	if err := os.WriteFile(secret, []byte(password), 0o644); err != nil {
		panic(err)
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "owner", "--auth=scram-sha-256", "--pwfile="+secret, "--no-sync", "-E", "UTF8", "--locale=C")
	initdb.SysProcAttr, initdb.Dir = attr, folder
	if out, err := initdb.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("initdb: %v: %s", err, out))
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	process := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port), "-k", folder, "-h", "127.0.0.1", "-F", "-c", fmt.Sprintf("max_connections=%d", connections))
	process.SysProcAttr, process.Dir, process.Stderr = attr, folder, os.Stderr
	process.Env = append(os.Environ(), "LC_ALL=C")
	process.Args = append(process.Args, "-c", "log_min_messages=panic")
	if err := process.Start(); err != nil {
		panic(err)
	}
	defer func() {
		_ = process.Process.Signal(syscall.SIGINT)
		_ = process.Wait()
	}()
	server = fmt.Sprintf("postgres://owner:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, err := pgx.Connect(context.Background(), server)
		if err == nil {
			c.Close(context.Background())
			break
		}
		if time.Now().After(deadline) {
			panic(err)
		}
	}
	return m.Run()
}

// binaries is the directory of the programs of Postgres.
func binaries() string {
	if name, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(name)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(found[len(found)-1])
}

// database is a new database with what the statements make; it returns its URL.
func database(t *testing.T, statements ...string) string {
	t.Helper()
	if server == "" {
		t.Skip("Postgres is not installed")
	}
	name := fmt.Sprintf("test%d", databases.Add(1))
	execute(t, server, "CREATE DATABASE "+name)
	url := strings.Replace(server, "/postgres?", "/"+name+"?", 1)
	execute(t, url, statements...)
	return url
}

var databases atomic.Int64

func execute(t *testing.T, url string, statements ...string) {
	t.Helper()
	c := client(t, url)
	defer c.Close(t.Context())
	for _, s := range statements {
		if _, err := c.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func client(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// number is what the query answers.
func number(t *testing.T, url, query string) (n int64) {
	t.Helper()
	c := client(t, url)
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// prefix is what the ids of the tests' jobs begin with.
const prefix = "abcdef01-2345-8678"

func options(url, table string) jobtable.Options {
	return jobtable.Options{URL: url, Table: table, Connections: 4, Run: "abcdef012345678", Prefix: prefix, Tenant: "t1"}
}

// open opens a table that the test closes, at the latest at its end.
func open(t *testing.T, o jobtable.Options) *jobtable.Table {
	t.Helper()
	table, err := jobtable.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Close(context.Background()) })
	return table
}

// ids are those of n jobs from the first on.
func ids(first, n int) (all, tenants []string) {
	for i := first; i < first+n; i++ {
		all, tenants = append(all, fmt.Sprintf("%s-8000-%012x", prefix, i)), append(tenants, fmt.Sprintf("t%d", i%3+1))
	}
	return all, tenants
}
