//go:build unix

package redisserver_test

import (
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// confFile writes a file of settings and returns its path.
func confFile(t *testing.T, dir, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheSettingsOfAFileCannotTakeTheServerOutOfOurHands(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	dir := t.TempDir()
	elsewhere := filepath.Join(dir, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	file := confFile(t, dir, "redis.conf",
		"# as a distribution ships it", "", "DAEMONIZE yes", `bind "0.0.0.0" ::1`, "port "+port, "pidfile "+elsewhere+"/redis.pid",
		"logfile "+elsewhere+"/redis.log", "dir "+elsewhere, "unixsocket "+elsewhere+"/redis.sock", "supervised auto",
		"replicaof 192.0.2.1 6379", "tls-port 6380", "hz 17")
	unreachable := confFile(t, dir, "unreachable.conf", "port 0", "hz 17")
	outer := confFile(t, dir, "outer.conf", "include redis.*onf", "include "+unreachable)
	for _, args := range [][]string{
		{"--include", file},
		{file},
		{outer, "--appendonly", "no"},
		{"--appendonly", "no", "--INCLUDE", unreachable},
		{"--include " + outer},
	} {
		var notes []string
		s, err := redisserver.Start(t.Context(), redisserver.Options{Source: "process", Args: args,
			Log: func(line string) { notes = append(notes, line) }})
		if errors.Is(err, redisserver.ErrUnavailable) {
			redistest.Missing(t, "redis", err)
		}
		if err != nil {
			t.Errorf("Start with %q: %v", args, err)
			continue
		}
		c := dial(t, s.URL())
		if got := ask(t, c, "CONFIG GET hz"); got != "*2" {
			t.Errorf("with %q CONFIG GET hz was answered by %q", args, got)
		}
		if got := setting(t, s, "hz"); got != "17" {
			t.Errorf("with %q hz is %q, want the file's 17", args, got)
		}
		if got := setting(t, s, "daemonize"); got != "no" {
			t.Errorf("with %q daemonize is %q", args, got)
		}
		if len(notes) == 0 || !strings.Contains(strings.Join(notes, "\n"), "port") {
			t.Errorf("with %q it was said: %q, want what is not used", args, notes)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		waitGone(t, c)
		if left, err := os.ReadDir(elsewhere); err != nil || len(left) > 0 {
			t.Errorf("with %q the server left %v in the folder of another, %v", args, left, err)
		}
	}
}

// setting is a setting of a server.
func setting(t *testing.T, s *redisserver.Server, name string) string {
	t.Helper()
	c := dial(t, s.URL())
	if u, err := url.Parse(s.URL()); err != nil {
		t.Fatal(err)
	} else if p, ok := u.User.Password(); ok {
		ask(t, c, "AUTH "+p)
	}
	if _, err := c.Write([]byte("CONFIG GET " + name + "\r\n")); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 4096)
	n := 0
	for strings.Count(string(text[:n]), "\n") < 5 {
		m, err := c.Read(text[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	return strings.Split(string(text[:n]), "\r\n")[4]
}

func TestThePasswordThatTheSettingsHoldIsUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acl := confFile(t, dir, "users.acl", "user worker on >other ~* +@all", "user default on >in-the-list ~* &* +@all")
	open := confFile(t, dir, "open.acl", "user worker on >other ~* +@all")
	for _, row := range []struct {
		name, want string
		args       []string
	}{
		{"in a file", `p"w 1`, []string{"--include", confFile(t, dir, "a.conf", `requirepass "p\"w 1"`)}},
		{"the last one counts", "second", []string{confFile(t, dir, "b.conf", "requirepass first"), "--requirepass", "second"}},
		{"of the default user", "rule", []string{"--user", "default", "on", ">rule", "~*", "&*", "+@all"}},
		{"in a list of users", "in-the-list", []string{"--aclfile", acl, "--requirepass", "not-used"}},
		{"a list of users without the default one", "", []string{"--aclfile", open}},
	} {
		s := redistest.Process(t, row.args...)
		u, err := url.Parse(s.URL())
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := u.User.Password(); got != row.want {
			t.Errorf("%s: the password in the URL is %q, want %q", row.name, got, row.want)
		}
		if row.want != "" && strings.Contains(s.Address(), row.want) {
			t.Errorf("%s: the password is in the address", row.name)
		}
	}
}

func TestAnAnswerThatNeverChangesEndsTheStart(t *testing.T) {
	t.Parallel()
	redistest.Process(t) // skips without redis-server
	dir := t.TempDir()
	hash := strings.Repeat("0123456789abcdef", 4)
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"no user to log in as", []string{"--user", "default", "off"}, "NOAUTH"},
		{"a list of users without one to log in as", []string{"--aclfile", confFile(t, dir, "off.acl", "user default off")}, "NOAUTH"},
		{"a password that is known by its hash", []string{"--include", confFile(t, dir, "hash.conf", "user default on #"+hash+" ~* &* +@all")}, "NOAUTH"},
		{"a user that is off with a password", []string{"--user default off >secret1"}, "WRONGPASS"},
	} {
		s, err := redisserver.Start(t.Context(), redisserver.Options{Source: "process", Args: row.args})
		if err == nil {
			s.Close()
			t.Errorf("%s: it started", row.name)
			continue
		}
		var h interface{ Hint() string }
		if !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "no answer within") || strings.Contains(err.Error(), "secret1") {
			t.Errorf("%s: %v, want %s at once and no password", row.name, err, row.want)
		}
		if !errors.As(err, &h) || !strings.Contains(h.Hint(), "user default") {
			t.Errorf("%s: %v has no hint that names the setting", row.name, err)
		}
	}
}

func TestAServerStartsWithoutTheCommandsThatOnlyTellAboutIt(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--rename-command", "INFO", ""},
		{"--rename-command", "PING", "", "--rename-command", "INFO", "TELL"},
		{"--rename-command INFO \"\"", "--loglevel", "warning"},
		{"--user", "default", "on", "nopass", "~*", "&*", "-@all", "+get"},
	} {
		s := redistest.Process(t, args...)
		if got := ask(t, dial(t, s.URL()), "GET a"); got != "$-1" {
			t.Errorf("with %q GET was answered by %q", args, got)
		}
	}
}

func TestAllThatIsWrongWithTheArgumentsIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	loop := filepath.Join(dir, "loop.conf")
	confFile(t, dir, "loop.conf", "include "+loop)
	quotes := confFile(t, dir, "quotes.conf", "hz 10", `requirepass "open`)
	for _, row := range []struct {
		name string
		args []string
		want []string
	}{
		{"ours and a missing file", []string{"--Port", "1", "--include", "nowhere.conf", "--bind", "::"}, []string{"--port", "nowhere.conf", "--bind"}},
		{"name and value in one argument", []string{"--daemonize yes"}, []string{"--daemonize"}},
		{"a line in a value", []string{"--hz 10\nport 6379"}, []string{"--port"}},
		{"a sentinel", []string{"--hz", "10", "--sentinel"}, []string{"--sentinel", "takes no jobs"}},
		{"no option at first", []string{"appendonly", "yes"}, []string{`"appendonly"`}},
		{"files without an end", []string{loop}, []string{"include each other"}},
		{"a quote that is open", []string{"--include", quotes}, []string{"quotes.conf:2", "quotes"}},
	} {
		_, err := redisserver.Start(t.Context(), redisserver.Options{Source: "process", Args: row.args})
		if !errors.Is(err, redisserver.ErrUsage) {
			t.Errorf("%s: Start = %v, want ErrUsage", row.name, err)
			continue
		}
		for _, w := range row.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: Start = %v, want it to name %s", row.name, err, w)
			}
		}
	}
}

func TestAServerWithAClusterOfItsOwnServesAllSlots(t *testing.T) {
	t.Parallel()
	file := confFile(t, t.TempDir(), "c.conf", "cluster-enabled yes", "cluster-config-file /var/lib/redis/nodes.conf", "cluster-announce-ip 192.0.2.1")
	for _, args := range [][]string{
		{"--cluster-enabled", "yes"},
		{"--include", file},
		{"--Cluster-Enabled yes", "--requirepass", "s3cret"},
	} {
		s := redistest.Process(t, args...)
		if !strings.HasPrefix(s.URL(), "redis-cluster://") || strings.Contains(s.Address(), "s3cret") {
			t.Errorf("with %q the URL is %s", args, s.Address())
		}
		c := dial(t, strings.Replace(s.URL(), "redis-cluster", "redis", 1))
		if strings.Contains(s.URL(), "s3cret") {
			ask(t, c, "AUTH s3cret")
		}
		for _, key := range []string{"a", "b", "c"} { // on three thirds of the slots
			if got := ask(t, c, "SET "+key+" 1"); got != "+OK" {
				t.Errorf("with %q SET was answered by %q", args, got)
			}
		}
	}
}
