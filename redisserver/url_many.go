package redisserver

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

const (
	exampleSentinel = "redis-sentinel://user:password@host1:26379,host2:26379,host3:26379/0#mymaster"
	exampleCluster  = "redis-cluster://user:password@host1:7000,host2:7001,host3:7002"
)

// checkMany is checkURL for what names several servers: sentinels and their
// master, or nodes of a cluster. rest is what stands behind the scheme.
func checkMany(scheme, rest string) (address, problem string) {
	sentinel := strings.HasSuffix(scheme, "-sentinel")
	example, port := exampleCluster, "6379"
	if sentinel {
		example, port = exampleSentinel, "26379"
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 && strings.ContainsAny(rest[:at], "/?#@") {
		return "", escapes
	}
	rest, master, _ := strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	if _, err := url.ParseQuery(query); err != nil {
		return "", "the options after the ? cannot be read; write it as in " + example
	}
	hosts, db, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(hosts, '@'); at >= 0 {
		if _, err := url.Parse("redis://" + hosts[:at+1] + "host"); err != nil || !strings.Contains(hosts[:at], ":") {
			return "", "the user and the password cannot be read: a password alone is written :password@, and each % needs two hexadecimal digits after it; write it as in " + example
		}
		hosts = hosts[at+1:]
	}
	name, err := url.PathUnescape(master)
	switch {
	case sentinel && name == "":
		return "", "the name of the master is missing after a #; write it as in " + example
	case err != nil:
		return "", "the name of the master cannot be read; write it as in " + example
	case !sentinel && master != "":
		return "", "a '#' has no meaning for a cluster; in a password write %23"
	case !sentinel && db != "" && db != "0":
		return "", "a cluster has no database but 0; write it as in " + example
	}
	if problem := checkDB(db); problem != "" {
		return "", "the database must be a number, such as 0; write it as in " + example
	}
	var all []string
	for host := range strings.SplitSeq(hosts, ",") {
		full, ok := withPort(host, port)
		if !ok {
			return "", "each address must be host:port, with a port from 1 to 65535 and brackets around an IPv6 address; write it as in " + example
		}
		all = append(all, full)
	}
	address = scheme + "://" + strings.Join(all, ",")
	if sentinel {
		if db == "" {
			db = "0"
		}
		address += "/" + db + "#" + url.PathEscape(name)
	}
	return address, ""
}

// withPort completes a host with the port, if it has none, and reports whether
// the outcome can be dialled.
func withPort(host, port string) (address string, ok bool) {
	name := host
	if h, p, err := net.SplitHostPort(host); err == nil {
		name, port = h, p
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		name = host[1 : len(host)-1]
	} else if strings.Contains(host, ":") {
		return "", false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || name == "" || strings.ContainsAny(name, "[]%\"<>^`{|}\\") {
		return "", false
	}
	return net.JoinHostPort(name, port), true
}
