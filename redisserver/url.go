package redisserver

import (
	"cmp"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/mask"
	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/internal/serverstart"
)

const (
	exampleURL  = "redis://user:password@localhost:6379/0"
	exampleUnix = "unix:///var/run/redis.sock"

	escapes = "in a user name or password write %2F for /, %3F for ?, %23 for # and %40 for @"
)

// startURL checks o.Source as a URL and dials nothing.
func startURL(o Options) (*Server, error) {
	raw := canonical(o.Source)
	address, problem := checkURL(raw)
	if problem != "" {
		return nil, serverstart.Usagef("redis URL %q: %s", mask.URL(raw), problem)
	}
	if len(o.Args) > 0 {
		return nil, serverstart.Usagef("redis at %s: arguments for redis-server cannot be given to a server that already runs; use --redis process or --redis docker", address)
	}
	return newServer(Server{kind: URL, url: raw, address: address}, func() error { return nil }), nil
}

// checkURL returns the address of a good URL, or what is wrong with it. The
// problem quotes nothing that could be part of a password.
//
// The text is taken apart by hand before package url sees it, because the
// errors of package url quote their whole input, secrets included.
func checkURL(raw string) (address, problem string) {
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", "it holds a space or a control character; in a password write %20 for a space"
	}
	if problem := otherForm(raw); problem != "" {
		return "", problem
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return "", "this is neither auto, process, sentinel, cluster, docker or embedded nor a URL; write it as in " + exampleURL
	}
	switch scheme {
	case "redis", "rediss", "unix":
	case "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster":
		return redisconn.CheckMany(raw)
	default:
		return "", "the scheme must be redis, rediss or unix, or redis-sentinel or redis-cluster; write it as in " + exampleURL
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 && strings.ContainsAny(rest[:at], "/?#@") {
		// A stray '/' would end the host right inside the password.
		return "", escapes
	}
	if strings.Contains(rest, "#") {
		return "", "a '#' has no meaning here; in a password write %23"
	}
	u, err := url.Parse(raw)
	if err != nil {
		// It may fail on an escape inside the password, so its text is not used.
		return "", "it cannot be read as a URL: check the port, the brackets of an IPv6 address, and that each % is followed by two hexadecimal digits; write it as in " + exampleURL
	}
	if problem := checkDB(u.Query().Get("db")); problem != "" {
		return "", problem
	}
	if scheme == "unix" {
		if u.Host != "" || len(u.Path) < 2 {
			return "", "a unix URL needs the absolute path of a socket; write it as in " + exampleUnix
		}
		return "unix://" + u.Path, ""
	}
	if u.Hostname() == "" {
		return "", "the host is missing; write it as in " + exampleURL
	}
	if strings.Contains(u.Hostname(), ":") && !strings.HasPrefix(u.Host, "[") {
		return "", "the host holds a colon; write an IPv6 address in brackets, as in redis://[::1]:6379"
	}
	port := u.Port()
	if port == "" {
		if strings.HasSuffix(u.Host, ":") {
			return "", "the port is missing after the colon; write it as in " + exampleURL
		}
		port = "6379"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", "the port must be a number from 1 to 65535; write it as in " + exampleURL
	}
	db := strings.TrimPrefix(u.Path, "/")
	if problem := checkDB(db); problem != "" {
		return "", problem
	}
	db = cmp.Or(db, "0")
	return scheme + "://" + net.JoinHostPort(u.Hostname(), port) + "/" + db, ""
}

// checkDB says what is wrong with the number of a database; "" is good.
func checkDB(db string) (problem string) {
	if db == "" {
		return ""
	}
	// Atoi would also take a sign.
	if _, err := strconv.ParseUint(db, 10, 31); err != nil {
		return "the database must be a number, such as 0; write it as in " + exampleURL
	}
	return ""
}
