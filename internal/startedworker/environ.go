package startedworker

import (
	"path/filepath"
	"strings"

	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// workerURL is the URL of a Redis as every client reads it: without the options
// behind the ?, on which some clients end. The number of the database goes into
// the path; by a socket it is the one option that all know. URLs of sentinels and
// clusters are queuedyno's own, and keep what leads to the servers.
func workerURL(raw string) string {
	url, query, has := strings.Cut(raw, "?")
	if !has {
		return raw
	}
	query, master, named := strings.Cut(query, "#")
	scheme, rest, _ := strings.Cut(url, "://")
	many := strings.Contains(scheme, "-")
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(part, "=")
		switch {
		case key == "db" && (scheme == "unix" || many), many && strings.HasPrefix(key, "sentinel_"):
			kept = append(kept, part)
		case key == "db":
			// go-redis lets it override that of the path.
			at := strings.LastIndexByte(rest, '@') + 1
			host, _, _ := strings.Cut(rest[at:], "/")
			url = scheme + "://" + rest[:at] + host + "/" + value
		}
	}
	if len(kept) > 0 {
		url += "?" + strings.Join(kept, "&")
	}
	if named {
		url += "#" + master
	}
	return url
}

// workerTLS are the variables that tell a worker what a URL cannot say: those that
// docs/workers.md names for everybody, and those of "queuedyno worker".
func workerTLS(cfg jobqueue.Config, unverified bool) []string {
	var env []string
	add := func(flag, name, value string) {
		if value != "" {
			env = append(env, name+"="+value, flags.Variable(flag)+"="+value)
		}
	}
	add("cacert", "REDIS_TLS_CACERT", absolute(cfg.CACert))
	add("cert", "REDIS_TLS_CERT", absolute(cfg.Cert))
	add("key", "REDIS_TLS_KEY", absolute(cfg.Key))
	if unverified {
		add("tls-skip-verify", "REDIS_TLS_SKIP_VERIFY", "true")
	}
	return env
}

// absolute is the path for a program that runs in another folder.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); path != "" && err == nil {
		return whole
	}
	return path
}

// escapeLogin writes the user and the password of a URL so that every client
// reads the same: all but letters, digits and - . _ ~ is percent-encoded. A
// plus sign would be a space to some.
func escapeLogin(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if !ok || at < 0 {
		return raw
	}
	var b strings.Builder
	b.WriteString(scheme + "://")
	colon := false
	for i := 0; i < at; i++ {
		c := rest[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~%", c) >= 0,
			c == ':' && !colon:
			b.WriteByte(c)
			colon = colon || c == ':'
		default:
			const digits = "0123456789ABCDEF"
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String() + rest[at:]
}
