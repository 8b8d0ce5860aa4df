package redisserver

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/mask"
	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// schemes are other names for the schemes that are used here.
var schemes = map[string]string{
	"valkey": "redis", "valkeys": "rediss", "tcp": "redis",
	"redis+ssl": "rediss", "redis+tls": "rediss",
	"redis-socket": "unix", "redis+socket": "unix", "redis+unix": "unix", "valkey+unix": "unix",
	"valkey-cluster": "redis-cluster", "redis+cluster": "redis-cluster", "rediss+cluster": "rediss-cluster",
}

// canonical is a URL with the scheme that is used here, where another one means
// the same.
func canonical(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if known := schemes[strings.ToLower(scheme)]; ok && known != "" {
		return known + "://" + rest
	}
	return raw
}

var plainAddress = regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}(/[0-9]*)?$`)

// otherForm says how a URL that other clients read is written here, or "". No
// password is in what it says.
func otherForm(raw string) (problem string) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		address := raw[strings.LastIndexByte(raw, '@')+1:]
		if plainAddress.MatchString(address) {
			return "the scheme is missing; write it as in " + mask.URL("redis://"+raw)
		}
		return ""
	}
	head, query, _ := strings.Cut(rest, "?")
	if strings.Contains(query, "@") {
		return "" // the head may be part of a password
	}
	login, hosts := "", head
	if at := strings.LastIndexByte(head, '@'); at >= 0 {
		login, hosts = head[:at+1], head[at+1:]
	}
	hosts, path, _ := strings.Cut(hosts, "/")
	switch scheme {
	case "redis+sentinel", "rediss+sentinel", "sentinel", "redis+sentinels", "valkey-sentinel":
		master, db := "mymaster", "0"
		for part := range strings.SplitSeq(path, "/") {
			if _, err := strconv.ParseUint(part, 10, 31); err == nil {
				db = part
			} else if part != "" {
				master = part
			}
		}
		secure := "redis"
		if strings.HasPrefix(scheme, "rediss") {
			secure = "rediss"
		}
		return "sentinels and the name of their master are written as in " + shown(secure+"-sentinel", login, hosts) + "/" + db + "#" + strings.Trim(master, "#")
	case "redis", "rediss":
		if strings.Contains(hosts, ",") {
			many := shown(scheme+"-cluster", login, hosts)
			return "several hosts are nodes of a cluster, " + many + ", or sentinels, " +
				strings.Replace(many, "-cluster://", "-sentinel://", 1) + "/0#mymaster; write which they are"
		}
	}
	return otherOption(scheme, head, query)
}

// shown is a URL of several hosts without its password.
func shown(scheme, login, hosts string) string {
	for host := range strings.SplitSeq(hosts, ",") {
		if _, fault := redisconn.HostPort(host, "6379"); fault != "" {
			hosts = "host1,host2" // it may be part of a password
		}
	}
	return mask.URL(scheme+"://"+login) + hosts
}

// otherOption is otherForm for the options that other clients know.
func otherOption(scheme, head, query string) string {
	var kept []string
	found, verify := "", true
	for part := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(part, "=")
		switch strings.ToLower(key) {
		case "ssl_cert_reqs", "ssl_check_hostname", "ssl", "verify", "rejectunauthorized", "insecure":
			found = key
			switch strings.ToLower(key + "=" + value) {
			case "ssl_cert_reqs=none", "ssl_cert_reqs=cert_none", "ssl_check_hostname=false", "verify=false", "verify=none", "rejectunauthorized=false", "insecure=true":
				verify = false
			case "ssl=true":
				scheme = "rediss"
			}
		case "ssl_ca_certs", "ssl_certfile", "ssl_keyfile":
			flags := map[string]string{"ssl_ca_certs": "--cacert", "ssl_certfile": "--cert", "ssl_keyfile": "--key"}
			return "the option " + key + " is the flag " + flags[strings.ToLower(key)] + " FILE here; leave it out of the URL"
		default:
			if part != "" {
				kept = append(kept, part)
			}
		}
	}
	if found == "" {
		return ""
	}
	write := mask.URL(scheme + "://" + head)
	if !verify {
		if scheme == "redis" {
			return "the option " + found + " is for TLS, which this URL does not use; leave it out: " + write
		}
		write += "?skip_verify=true"
	}
	text := "the option " + found + " is not one of queuedyno; write " + write
	if len(kept) > 0 {
		text += ", and the other options"
	}
	return text
}
