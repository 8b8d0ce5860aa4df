package postgres

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/queuedyno/queuedyno/internal/mask"
)

const (
	exampleURL = "postgres://user:password@localhost:5432/database"
	escapes    = "in a user name or password write %2F for /, %3F for ?, %23 for # and %40 for @"
)

// Address checks the URL of a database and returns it without user, password and
// options, for people and reports: postgres://localhost:5432/database. It dials nothing.
// What the URL leaves out comes from the variables of libpq, such as PGUSER.
func Address(raw string) (string, error) {
	_, address, err := parse(raw)
	return address, err
}

// parse reads a URL, and returns the address without secrets.
//
// The text is taken apart by hand before pgx sees it, because errors about a URL that
// is malformed quote it, and there a password may be anywhere.
func parse(raw string) (*pgx.ConnConfig, string, error) {
	if problem := malformed(raw); problem != "" {
		return nil, "", &Error{Op: fmt.Sprintf("postgres URL %q", mask.URL(raw)), Err: errors.New(problem)}
	}
	config, err := pgx.ParseConfig(raw)
	if err != nil {
		return nil, "", &Error{Op: fmt.Sprintf("postgres URL %q", mask.URL(raw)), Err: errors.New(refusal(raw, err))}
	}
	return config, addressOf(&config.Config), nil
}

// malformed says what is wrong with a URL; "" is good. It quotes nothing that could be
// part of a password.
func malformed(raw string) string {
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "it holds a space or a control character; in a password write %20 for a space"
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	switch {
	case !ok:
		return "this is neither auto, process or docker nor a URL; write it as in " + exampleURL
	case scheme != "postgres" && scheme != "postgresql":
		return "the scheme must be postgres or postgresql; write it as in " + exampleURL
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 && strings.ContainsAny(rest[:at], "/?#@") {
		// A stray '/' would end the host right inside the password.
		return escapes
	}
	if strings.Contains(rest, "#") {
		return "a '#' has no meaning here; in a password write %23"
	}
	rest, query, _ := strings.Cut(rest, "?")
	if _, err := url.ParseQuery(query); err != nil || strings.Contains(query, ";") {
		return "the options after the ? cannot be read; write them as in " + exampleURL + "?sslmode=require"
	}
	hosts, _, _ := strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], "/")
	for host := range strings.SplitSeq(hosts, ",") {
		if problem := badHost(host); problem != "" {
			return problem
		}
	}
	if _, err := url.PathUnescape(rest); err != nil {
		return "a % must be followed by two hexadecimal digits; in a password write %25 for %"
	}
	return ""
}

// badHost says what is wrong with a host and its port, which may be left out.
func badHost(host string) string {
	end := strings.LastIndexByte(host, ']') + 1
	if strings.Count(host, "[") != strings.Count(host, "]") || end == 0 && strings.Count(host, ":") > 1 {
		return "an IPv6 address must be in brackets, as in postgres://[::1]:5432/database"
	}
	_, port, ok := strings.Cut(host[end:], ":")
	if n, err := strconv.ParseUint(port, 10, 16); ok && (err != nil || n == 0) {
		return "the port must be a number from 1 to 65535; write it as in " + exampleURL
	}
	return ""
}

// refusal is what pgx has against a URL, without the URL that it begins with.
func refusal(raw string, err error) string {
	text := err.Error()
	if _, after, ok := strings.Cut(text, "`: "); ok {
		text = after
	}
	text = strings.ReplaceAll(text, raw, "***")
	return mask.Text(strings.ReplaceAll(text, "\n", "; "), secrets(raw)...)
}

// secrets are the passwords that a URL and the environment hold, as they are written
// and as they are meant.
func secrets(raw string) []string {
	all := []string{os.Getenv("PGPASSWORD"), os.Getenv("PGSSLPASSWORD")}
	if _, rest, ok := strings.Cut(raw, "://"); ok {
		login, _, hasLogin := strings.Cut(rest, "@")
		if _, password, ok := strings.Cut(login, ":"); ok && hasLogin {
			all = append(all, password)
		}
	}
	if u, err := url.Parse(raw); err == nil {
		password, _ := u.User.Password()
		all = append(all, password)
		for name, values := range u.Query() {
			if strings.Contains(name, "password") {
				all = append(all, values...)
			}
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// addressOf is where a connection leads: every host that is tried, and the database.
func addressOf(c *pgconn.Config) string {
	path := "/" + url.PathEscape(c.Database)
	if strings.HasPrefix(c.Host, "/") {
		return "postgres://" + path + "?host=" + c.Host
	}
	hosts := []string{net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port)))}
	for _, f := range c.Fallbacks {
		if at := net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port))); !slices.Contains(hosts, at) {
			hosts = append(hosts, at)
		}
	}
	return "postgres://" + strings.Join(hosts, ",") + path
}
