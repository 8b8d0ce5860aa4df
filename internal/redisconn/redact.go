package redisconn

import (
	"errors"
	"net/url"
	"strings"
)

// Redact is a URL without its password, fit to be shown. It does not parse: what
// cannot be parsed may hold a password as well. All between the user's name and
// the last @ is one.
func Redact(raw string) string {
	rest, query, hasQuery := strings.Cut(raw, "?")
	scheme, rest, found := strings.Cut(rest, "://")
	if found {
		scheme += "://"
	} else {
		scheme, rest = "", scheme
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, _, secret := strings.Cut(rest[:at], ":")
		switch {
		case secret:
			user += ":***"
		case user != "":
			user = "***" // meant as a password, perhaps
		}
		rest = user + rest[at:]
	} else {
		rest = maskPorts(rest)
	}
	out := scheme + rest
	switch {
	case !hasQuery:
	case strings.Contains(query, "@"):
		out += "?***" // a password with a ? in it
	default:
		parts := strings.Split(query, "&")
		for i, part := range parts {
			if key, _, ok := strings.Cut(part, "="); ok && strings.Contains(strings.ToLower(key), "pas") {
				parts[i] = key + "=***"
			}
		}
		out += "?" + strings.Join(parts, "&")
	}
	return out
}

// maskPorts masks what stands in place of a port and is no number: a password
// whose host was forgotten.
func maskPorts(rest string) string {
	end := strings.IndexAny(rest, "/#")
	if end < 0 {
		end = len(rest)
	}
	hosts := strings.Split(rest[:end], ",")
	for i, host := range hosts {
		name, port, ok := strings.Cut(host, ":")
		if ok && !strings.HasPrefix(host, "[") && strings.Trim(port, "0123456789") != "" {
			hosts[i] = name + ":***"
		}
	}
	return strings.Join(hosts, ",") + rest[end:]
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
