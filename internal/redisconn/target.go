package redisconn

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// deployment is the kind of servers that a URL names.
type deployment string

const (
	single    deployment = "redis"          // one server
	sentinels deployment = "redis-sentinel" // a master and who takes its place, watched by sentinels
	cluster   deployment = "redis-cluster"  // masters that share the keys among them
)

// target is what a URL names.
type target struct {
	deployment deployment
	// addrs are the sentinels, or the nodes of a cluster to ask first.
	addrs []string
	// master is the name by which the sentinels know it.
	master string
	// The login for the sentinels themselves, which do not use the master's.
	sentinelUser, sentinelPassword string
}

// forms shows how each kind of URL is written.
var forms = map[deployment]string{
	single:    "redis://user:password@localhost:6379/0",
	sentinels: "redis-sentinel://user:password@host1:26379,host2:26379,host3:26379/0#mymaster",
	cluster:   "redis-cluster://user:password@host1:7000,host2:7001,host3:7002",
}

// ports are the ports where a URL names none.
var ports = map[deployment]string{sentinels: "26379", cluster: "6379"}

// schemeOf is the deployment that a scheme names, and whether it uses TLS.
func schemeOf(scheme string) (d deployment, secure bool) {
	switch scheme {
	case "redis-sentinel", "rediss-sentinel":
		return sentinels, scheme == "rediss-sentinel"
	case "redis-cluster", "rediss-cluster":
		return cluster, scheme == "rediss-cluster"
	}
	return single, false
}

// parseTarget takes a URL apart: the options are those of each node, and where
// there are many, their Addr is words for all of them. The faults quote nothing
// of the URL but names of options, since any other part may be a password.
func parseTarget(raw string) (t target, o *redis.Options, faults []string) {
	scheme, rest, _ := strings.Cut(raw, "://")
	d, secure := schemeOf(scheme)
	t.deployment = d
	if d == single {
		o, err := redis.ParseURL(raw)
		if err != nil {
			return t, nil, []string{reason(err, raw)}
		}
		return t, o, nil
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 && strings.ContainsAny(rest[:at], "/?#@") {
		return t, nil, []string{"in a user name or password write %2F for /, %3F for ?, %23 for # and %40 for @"}
	}
	rest, t.master, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	hosts, tail := rest[:end], rest[end:]
	login := ""
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		login, hosts = hosts[:at+1], hosts[at+1:]
		if !strings.Contains(login, ":") {
			faults = append(faults, "a password alone is written :password@, and a user name is followed by :password")
		}
	}
	for i, host := range strings.Split(hosts, ",") {
		addr, fault := HostPort(host, ports[d])
		if fault != "" {
			faults = append(faults, fmt.Sprintf("address %d: %s", i+1, fault))
		}
		t.addrs = append(t.addrs, addr)
	}
	path, query, _ := strings.Cut(tail, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		faults = append(faults, "the options after the ? cannot be read: each % needs two hexadecimal digits after it")
	}
	if name, err := url.PathUnescape(t.master); err == nil {
		t.master = name
	}
	db := strings.Trim(path, "/")
	switch {
	case d == sentinels:
		if t.master == "" {
			faults = append(faults, "the name of the master is missing after a #")
		}
		t.sentinelUser, t.sentinelPassword = values.Get("sentinel_username"), values.Get("sentinel_password")
		values.Del("sentinel_username")
		values.Del("sentinel_password")
	case t.master != "":
		faults = append(faults, "a '#' has no meaning for a cluster")
	case db != "" && db != "0":
		faults = append(faults, "a cluster has no database but 0")
	}
	if _, err := strconv.ParseUint(db, 10, 31); db != "" && err != nil {
		faults = append(faults, "the database after the / must be a number")
	}
	if len(faults) > 0 {
		return t, nil, faults
	}
	// What is left is a URL of one server, and go-redis knows its options.
	plain := "redis://"
	if secure {
		plain = "rediss://"
	}
	plain += login + t.addrs[0] + "/" + db
	if len(values) > 0 {
		plain += "?" + values.Encode()
	}
	o, err = redis.ParseURL(plain)
	if err != nil {
		return t, nil, []string{reason(err, plain)}
	}
	if o.TLSConfig != nil {
		o.TLSConfig.ServerName = "" // each node has its own
	}
	o.Addr = t.String()
	return t, o, nil
}

// CheckMany checks the URL of sentinels or of a cluster, dials nothing, and returns it
// without user, password and options. The problem, "" for a good URL, quotes no secret.
func CheckMany(raw string) (address, problem string) {
	t, o, faults := parseTarget(raw)
	if len(faults) > 0 {
		return "", strings.Join(faults, "; ") + "; write it as in " + forms[t.deployment]
	}
	scheme, _, _ := strings.Cut(raw, "://")
	address = scheme + "://" + strings.Join(t.addrs, ",")
	if t.deployment == sentinels {
		address += "/" + strconv.Itoa(o.DB) + "#" + url.PathEscape(t.master)
	}
	return address, ""
}

// HostPort completes a host with the port, if it has none. The fault, "" for an address
// that can be dialed, quotes nothing.
func HostPort(host, port string) (addr, fault string) {
	name := host
	if h, p, err := net.SplitHostPort(host); err == nil {
		name, port = h, p
	} else if strings.Contains(strings.Trim(host, "[]"), ":") && !strings.HasPrefix(host, "[") {
		return host, "it is not host:port; an IPv6 address needs brackets"
	}
	name = strings.Trim(name, "[]")
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return host, "the port must be a number from 1 to 65535, as in host:port"
	}
	if name == "" {
		return host, "the host is missing"
	}
	if strings.ContainsAny(name, " \t\r\n%\"<>[]^`{|}\\") {
		return host, "the host holds a character that no host has"
	}
	return net.JoinHostPort(name, port), ""
}

// String names the servers, without secrets.
func (t target) String() string {
	all := strings.Join(t.addrs, ",")
	if t.deployment == sentinels {
		return "master " + t.master + " of sentinels " + all
	}
	return "cluster " + all
}

// reason is the parser's complaint about a URL, as far as that cannot quote a
// secret: of an option the name, and never the value.
func reason(err error, raw string) string {
	const unreadable = "it cannot be read"
	var u *url.Error
	if errors.As(err, &u) {
		if strings.Contains(raw, "@") || strings.Contains(strings.ToLower(raw), "pass") {
			return unreadable
		}
		return u.Err.Error()
	}
	if _, query, _ := strings.Cut(raw, "?"); strings.Contains(query, "@") {
		return unreadable // the option may be the rest of a password with a ? in it
	}
	what := strings.TrimPrefix(err.Error(), "redis: ")
	if names, ok := strings.CutPrefix(what, "unexpected option: "); ok {
		if strings.Contains(names, "pass") || strings.Contains(names, "user") {
			what += " (the user and the password stand before the host)"
		}
		return what
	}
	what, _, _ = strings.Cut(what, ": ")
	return what
}

// CheckURL says what is wrong with a URL, options included, as [Connect] would,
// and dials nothing. No error quotes a secret.
func CheckURL(raw string) error {
	_, _, err := parseURL(Config{URL: raw})
	return err
}
