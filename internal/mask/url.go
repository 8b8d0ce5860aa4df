package mask

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// URL returns the URL with everything masked that is, or could have been
// meant as, a password: all between the first colon after the scheme and the
// last '@', all of a user part without a colon, a port that is no number, and
// the options. In settings in place of a URL it is all from the first password on.
func URL(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if ok && isScheme(scheme) {
		scheme += "://"
	} else {
		scheme, rest = "", raw
		if m := setting.FindStringIndex(raw); m != nil {
			return raw[:m[1]] + masked
		}
	}
	user := ""
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		name, _, hasPassword := strings.Cut(rest[:at], ":")
		if hasPassword {
			user = name + ":***@"
		} else {
			user = "***@"
		}
		rest = rest[at+1:]
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i] + rest[i:i+1] + "***"
	}
	all, path, hasPath := strings.Cut(rest, "/")
	hosts := strings.Split(all, ",")
	for n, host := range hosts {
		if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.Trim(host[i+1:], "0123456789") != "" && !strings.HasPrefix(host, "[") {
			// "redis://:secret", with the host forgotten.
			hosts[n] = host[:strings.IndexByte(host, ':')] + ":***"
		}
	}
	host := strings.Join(hosts, ",")
	if hasPath {
		host += "/" + path
	}
	return scheme + user + host
}

// setting is what a password follows in "host=localhost password=secret", which clients of
// Postgres take in place of a URL.
var setting = regexp.MustCompile(`(?i)\w*(?:pass|pwd|secret|token)\w*\s*=\s*`)

// Address returns the URL without user, password and options. It does not parse: names
// in braces may stand in it.
func Address(raw string) string {
	raw, _, _ = strings.Cut(raw, "?")
	scheme, rest, _ := strings.Cut(raw, "://")
	host, path, hasPath := strings.Cut(rest, "/")
	host = host[strings.LastIndexByte(host, '@')+1:]
	if hasPath {
		host += "/" + path
	}
	return scheme + "://" + host
}

// Everywhere replaces the secrets in a text wherever they stand, also inside of words.
// It is for what another server says, which may hold them in any place. Secrets of less
// than four bytes stay.
func Everywhere(text string, secrets ...string) string {
	// The longest first, since one may be a part of another.
	for _, s := range slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return cmp.Compare(len(b), len(a)) }) {
		if len(s) >= 4 {
			text = strings.ReplaceAll(text, s, masked)
		}
	}
	return text
}

// isScheme reports whether a text can be the scheme of a URL (RFC 3986, section 3.1), and
// so no part of a password.
func isScheme(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '+' && r != '-' && r != '.'
	})
}
