package redisconn

import (
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/mask"
)

func TestURLsOfSentinelsAndClusters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url    string
		want   target
		user   string
		pass   string
		db     int
		secure bool
	}{
		{
			url:  "redis-sentinel://app:s%40cret@h1:26380,h2/3#mymaster",
			want: target{deployment: sentinels, addrs: []string{"h1:26380", "h2:26379"}, master: "mymaster"},
			user: "app", pass: "s@cret", db: 3,
		},
		{
			url:  "rediss-sentinel://h1?sentinel_username=watch&sentinel_password=s%23cret#my%20master",
			want: target{deployment: sentinels, addrs: []string{"h1:26379"}, master: "my master", sentinelUser: "watch", sentinelPassword: "s#cret"}, secure: true,
		},
		{
			url:  "redis-cluster://:s3cret@10.0.0.1:7000,[::1]:7001,[fe80::1],node",
			want: target{deployment: cluster, addrs: []string{"10.0.0.1:7000", "[::1]:7001", "[fe80::1]:6379", "node:6379"}}, pass: "s3cret",
		},
		{url: "rediss-cluster://h1:7000/0?protocol=3", want: target{deployment: cluster, addrs: []string{"h1:7000"}}, secure: true},
	} {
		got, o, err := parseURL(Config{URL: c.url})
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if !slices.Equal(got.addrs, c.want.addrs) {
			t.Errorf("%s: addresses %q, want %q", c.url, got.addrs, c.want.addrs)
		}
		got.addrs, c.want.addrs = nil, nil
		if got.deployment != c.want.deployment || got.master != c.want.master ||
			got.sentinelUser != c.want.sentinelUser || got.sentinelPassword != c.want.sentinelPassword {
			t.Errorf("%s: %+v, want %+v", c.url, got, c.want)
		}
		if o.Username != c.user || o.Password != c.pass || o.DB != c.db || (o.TLSConfig != nil) != c.secure {
			t.Errorf("%s: user %q, password %q, database %d, TLS %t", c.url, o.Username, o.Password, o.DB, o.TLSConfig != nil)
		}
		if want := strings.Contains(c.url, "protocol=3"); (o.Protocol == 3) != want {
			t.Errorf("%s: protocol %d", c.url, o.Protocol)
		}
	}
}

func TestEveryFaultOfAURLIsNamedAndNoSecretIs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string][]string{
		"redis-sentinel://:s3cret@h1:x,h2:0":            {"address 1: the port", "address 2: the port", "name of the master is missing", "redis-sentinel://user:password@host1:26379"},
		"redis-sentinel://s3cret@h1/x#m":                {":password@", "database"},
		"redis-sentinel://:s3/cret@h1#m":                {"%2F"},
		"redis-sentinel://:s3cret@h1:1:2#m":             {"address 1", "brackets"},
		"redis-sentinel://:s3cret@#m":                   {"address 1: the host is missing"},
		"redis-sentinel://:s3cret#m":                    {"address 1: the port"},
		"redis-sentinel://h1?sentinel_pasword=s3cret#m": {"unexpected option"},
		"redis-cluster://:s3cret@h1,/2#m":               {"address 2: the host is missing", "a '#' has no meaning", "redis-cluster://user:password@"},
		"redis-cluster://:s3cret@h1/2":                  {"no database but 0"},
		"redis-cluster://:s3cret@h1?protocol=4":         {"protocol must be 2 or 3"},
		"redis://:s3cret@h1?protocol=1":                 {"protocol must be 2 or 3"},
		"redis://h1:1/0?password=s3cret":                {"unexpected option: password", "stand before the host"},
		"redis://u:s3cret@h1/0?pool_size=many":          {"invalid pool_size number"},
		"redis://u:s3cret@h1/0?timeout=5s":              {"unexpected option: timeout"},
		"redis-cluster://h1?x=%zz":                      {"hexadecimal"},
		"rediss-cluster://:s3cret@h 1":                  {"character"},
	} {
		_, _, err := parseURL(Config{URL: url})
		if err == nil {
			t.Errorf("%s: no error", url)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v; want %q in it", url, err, w)
			}
		}
		if strings.Contains(err.Error(), "s3") {
			t.Errorf("the secret of %s is in %v", url, err)
		}
	}
	_, _, err := parseURL(Config{URL: "redis-cluster://h1", CACert: "ca.pem"})
	if err == nil || !strings.Contains(err.Error(), "rediss-cluster://") {
		t.Errorf("certificates without TLS: %v", err)
	}
}

// FuzzTarget: no URL makes the parser panic, what it accepts has addresses to
// dial, and neither its faults nor mask.URL show what stands before an @.
func FuzzTarget(f *testing.F) {
	for _, rest := range []string{"h1:1,h2/0#m", "h1", "[::1]:1", ",", "h1?protocol=3#m", "h1?sentinel_password=x#m", "/", "#", "?", "%zz", "h1:1:1", "@", "a@b"} {
		f.Add("redis-sentinel", rest)
		f.Add("rediss-cluster", rest)
		f.Add("redis", rest)
	}
	const secret = "TopSecretWord"
	f.Fuzz(func(t *testing.T, scheme, rest string) {
		if strings.Contains(rest, secret) || strings.Contains(scheme, secret) || strings.Contains(scheme, "://") || strings.Contains(scheme, "?") {
			t.Skip("the secret is not in the place of a password")
		}
		raw := scheme + "://user:" + secret + "@" + rest
		if got := mask.URL(raw); strings.Contains(got, secret) {
			t.Errorf("mask.URL(%q) = %q", raw, got)
		}
		got, o, faults := parseTarget(raw)
		if strings.Contains(strings.Join(faults, " "), secret) {
			t.Errorf("faults of %q: %q", raw, faults)
		}
		if len(faults) > 0 {
			return
		}
		if o == nil || got.deployment != single && (len(got.addrs) == 0 || o.Password == "") {
			t.Errorf("%q was read as %+v, %+v", raw, got, o)
		}
	})
}
