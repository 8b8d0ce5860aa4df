package redisserver_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/redisserver"
)

func TestURLIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ url, address string }{
		{"redis://localhost", "redis://localhost:6379/0"},
		{"redis://localhost/", "redis://localhost:6379/0"},
		{"redis://10.0.0.1:7000/15", "redis://10.0.0.1:7000/15"},
		{"redis://[::1]:7000", "redis://[::1]:7000/0"},
		{"redis://[::1]", "redis://[::1]:6379/0"},
		{"rediss://user:hunter2@cache.example:6380/0?client_name=x", "rediss://cache.example:6380/0"},
		{"redis://:hunter2@localhost", "redis://localhost:6379/0"},
		{"redis://:p%2Fw%40@localhost", "redis://localhost:6379/0"},
		{"unix:///run/redis.sock", "unix:///run/redis.sock"},
		{"redis-sentinel://:hunter2@h1:26380,[::1]#main", "redis-sentinel://h1:26380,[::1]:26379/0#main"},
		{"rediss-sentinel://h1/3?sentinel_password=hunter2#the%20main", "rediss-sentinel://h1:26379/3#the%20main"},
		{"redis-cluster://user:hunter%402@h1:7000,h2", "redis-cluster://h1:7000,h2:6379"},
		{"rediss-cluster://h1/0?protocol=3", "rediss-cluster://h1:6379"},
		{"unix://user:hunter2@/run/redis.sock?db=2", "unix:///run/redis.sock"},
	} {
		s, err := redisserver.Start(t.Context(), redisserver.Options{Source: row.url})
		if err != nil {
			t.Errorf("Start(%q): %v", row.url, err)
			continue
		}
		if s.URL() != row.url || s.Address() != row.address || s.Kind() != redisserver.URL || s.PID() != 0 || s.Note() != "" {
			t.Errorf("Start(%q): URL %q, address %q, kind %q, pid %d, note %q; want the URL, %q, url, 0 and no note",
				row.url, s.URL(), s.Address(), s.Kind(), s.PID(), s.Note(), row.address)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

func TestBadURLIsShownRedactedAndExplained(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ url, shown, says string }{
		{"redis://user:hunter2@host:99999/0", `"redis://user:***@host:99999/0"`, "from 1 to 65535"},
		{"redis://user:hunter2@host:0/0", `"redis://user:***@host:0/0"`, "from 1 to 65535"},
		{"redis://user:hunter2@host:/0", `"redis://user:***@host:/0"`, "port is missing"},
		{"redis://user:hunter2@host/zero", `"redis://user:***@host/zero"`, "database must be a number"},
		{"redis://user:hunter2@host/-1", `"redis://user:***@host/-1"`, "database must be a number"},
		{"redis://host/0/1", `"redis://host/0/1"`, "database must be a number"},
		{"redis://user:hunter2@/0", `"redis://user:***@/0"`, "host is missing"},
		{"redis://", `"redis://"`, "host is missing"},
		{"http://user:hunter2@host", `"http://user:***@host"`, "redis, rediss or unix"},
		{"localhost:6379", `"localhost:6379"`, "redis://localhost:6379"},
		{"dokcer", `"dokcer"`, "auto, process, sentinel, cluster, docker or embedded"},
		{"user:hunter2@host:6379", `"user:***@host:6379"`, "redis://user:***@host:6379"},
		{"redis://hunter2@host:x", `"redis://***@host:***"`, exampleURL},
		{"redis://:hunter2", `"redis://:***"`, exampleURL},
		{"redis://user:hunter2", `"redis://user:***"`, exampleURL},
		{"redis://user:hunter/2@host", `"redis://user:***@host"`, "%2F for /"},
		{"redis://user:hunter#2@host", `"redis://user:***@host"`, "%23 for #"},
		{"redis://user:hunter@2@host", `"redis://user:***@host"`, "%40 for @"},
		{"redis://user:hunter%2@host", `"redis://user:***@host"`, "two hexadecimal digits"},
		{"redis://user:hunter 2@host", `"redis://user:***@host"`, "%20 for a space"},
		{"redis://host/0#hunter2", `"redis://host/0#***"`, "'#'"},
		{"redis://host/x?password=hunter2", `"redis://host/x?***"`, "database must be a number"},
		{"redis://host/?db=x", `"redis://host/?***"`, "database must be a number"},
		{"unix://run/redis.sock", `"unix://run/redis.sock"`, "absolute path"},
		{"unix://", `"unix://"`, "absolute path"},
		{"redis-sentinel://user:hunter2@h1", `"redis-sentinel://user:***@h1"`, "name of the master"},
		{"redis-sentinel://user:hunter#2@h1#m", `"redis-sentinel://user:***@h1#***"`, "%23 for #"},
		{"redis-sentinel://hunter2@h1#m", `"redis-sentinel://***@h1#***"`, ":password@"},
		{"redis-cluster://:hunter2@h1,h2:x", `"redis-cluster://:***@h1,h2:***"`, "host:port"},
		{"redis-cluster://:hunter2@h1,/1", `"redis-cluster://:***@h1,/1"`, "no database but 0"},
		{"redis-cluster://:hunter2", `"redis-cluster://:***"`, "host:port"},
		{"redis-cluster://:hunter2@h1#m", `"redis-cluster://:***@h1#***"`, "no meaning"},
	} {
		s, err := redisserver.Start(t.Context(), redisserver.Options{Source: row.url})
		if err == nil {
			t.Errorf("Start(%q) = %q, want an error", row.url, s.Address())
			continue
		}
		if !errors.Is(err, redisserver.ErrUsage) {
			t.Errorf("Start(%q): %v, want ErrUsage", row.url, err)
		}
		for _, want := range []string{"redis URL " + row.shown + ": ", row.says} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("Start(%q): %v, want it to say %q", row.url, err, want)
			}
		}
		if strings.Contains(err.Error(), "hunter") {
			t.Errorf("Start(%q): %v shows the password", row.url, err)
		}
	}
}

const exampleURL = "redis://user:password@localhost:6379/0"

func TestArgumentsNeedAServerOfOurs(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"redis://localhost:6379/0", "embedded"} {
		s, err := redisserver.Start(t.Context(), redisserver.Options{Source: source, Args: []string{"--appendonly", "yes"}})
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, redisserver.ErrUsage) || !strings.Contains(err.Error(), "--redis process") {
			t.Errorf("Start(%q) with arguments: %v, want ErrUsage with the remedy --redis process", source, err)
		}
	}
}

// FuzzURL plants a secret inside a password and holds that neither an error nor
// an address shows it, whatever surrounds it.
func FuzzURL(f *testing.F) {
	const secret = "hunter2"
	f.Add("redis", "user", "", "", "localhost:6379/0")
	f.Add("rediss", "", "p@", "/#?", "[::1]:0/x?db=1#y")
	f.Add("unix", "u", "%", ":%zz", "/run/redis.sock?db=2")
	f.Add("redis-sentinel", "u", "", "", "h1:1,h2/0?protocol=3#m")
	f.Add("rediss-cluster", "", "", "%40", "h1:1,[::1]")
	f.Add("a@b:", "", ":", "\x00 ", "host:port")
	f.Add("redis", "user", "", "", "localhost:63ost:79/0")
	f.Add("redis", "user", "p,", "/#?", "[::1]:0/x?db=1#y")
	f.Fuzz(func(t *testing.T, scheme, user, before, after, rest string) {
		// A secret written down twice is beyond protection.
		for _, s := range []string{scheme, user, before, after, rest} {
			if strings.Contains(s, secret) {
				t.Skip("the secret is written down twice")
			}
		}
		for _, raw := range []string{
			scheme + "://" + user + ":" + before + secret + after + "@" + rest,
			scheme + "://" + before + secret + after + "@" + rest,
			scheme + ":" + user + ":" + before + secret + after + "@" + rest,
		} {
			_, rest, _ := strings.Cut(raw, "://")
			if name, _, _ := strings.Cut(rest, ":"); strings.Contains(rest, "://") || strings.Contains(name, secret) && strings.Contains(rest[:strings.LastIndex(rest, "@")], ":") {
				continue
			}
			s, err := redisserver.Start(t.Context(), redisserver.Options{Source: raw})
			if err != nil {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("Start(%q): %v shows the secret", raw, err)
				}
				continue
			}
			if strings.Contains(s.Address(), secret) {
				t.Errorf("Start(%q): address %q shows the secret", raw, s.Address())
			}
			// An address is a good URL itself and its own address.
			again, err := redisserver.Start(t.Context(), redisserver.Options{Source: s.Address()})
			if err != nil || again.Address() != s.Address() {
				t.Errorf("Start(%q), the address of %q: %v", s.Address(), raw, err)
			}
		}
	})
}
