// Package endpoint is an address of the user's API: its URL and headers as templates,
// and what went wrong there in words that hold no secret. Begin reading at [Endpoint].
package endpoint

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/mask"
)

// Endpoint is a URL with its headers. Several goroutines may use it at once.
type Endpoint struct {
	// Address is the URL without user, password and query, fit to be shown.
	Address string
	// Host is host and port; TLS is whether the URL asks for it.
	Host string
	TLS  bool

	url     Template
	fixed   *url.URL // of a URL without names
	headers []header
	header  http.Header // of headers without names
	secrets []string
}

type header struct {
	key   string
	value Template
}

// Parse reads a URL with one of the schemes, and its headers. These names may stand in
// them.
func Parse(raw string, headers map[string]string, schemes, names []string) (*Endpoint, error) {
	e := &Endpoint{header: http.Header{}}
	var err error
	if e.url, err = parseTemplate(raw, appendInURL, names); err != nil {
		return nil, fmt.Errorf("url: %w", hidden(err))
	}
	like := schemes[0] + "://127.0.0.1:3000/"
	u, err := url.Parse(e.url.String("1", 1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("url: it cannot be read; write it like %s", like)
	case !slices.Contains(schemes, u.Scheme):
		return nil, fmt.Errorf("url: it does not begin with %s://; write it like %s", strings.Join(schemes, ":// or "), like)
	case u.Hostname() == "":
		return nil, fmt.Errorf("url: it names no host; write it like %s", like)
	case u.Fragment != "":
		return nil, errors.New("url: no server receives what follows the #; remove it")
	}
	if other, err := url.Parse(e.url.String("2", 2)); err != nil || other.Host != u.Host || other.Scheme != u.Scheme {
		return nil, errors.New("url: the host is the same for all jobs, since the connections are; write the name into the path, the query or the Host header")
	}
	e.TLS = u.Scheme == "https" || u.Scheme == "wss"
	port := "80"
	if e.TLS {
		port = "443"
	}
	e.Host = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
	e.Address = mask.Address(raw)
	e.learn(u)
	if e.url.Fixed() {
		e.fixed = u
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		value, err := parseTemplate(headers[name], appendRaw, names)
		switch {
		case err != nil:
			return nil, fmt.Errorf("header %s: %w", name, hidden(err))
		case name == "" || strings.ContainsAny(name, " :\t\r\n"):
			return nil, fmt.Errorf("header %q: it is not the name of a header; write it like Authorization", name)
		case strings.ContainsAny(headers[name], "\r\n\x00"):
			return nil, fmt.Errorf("header %s: the value holds a line break or a zero byte; remove it", name)
		}
		key := textproto.CanonicalMIMEHeaderKey(name)
		if value.Fixed() {
			e.header[key] = []string{headers[name]}
		} else {
			e.headers = append(e.headers, header{key, value})
		}
		e.secrets = append(e.secrets, headers[name])
		if _, token, ok := strings.Cut(headers[name], " "); ok {
			e.secrets = append(e.secrets, token) // of "Bearer token"
		}
	}
	e.secrets = slices.DeleteFunc(e.secrets, func(s string) bool { return strings.Contains(s, "{{") })
	return e, nil
}

// hidden is the mistake in a template without what stands there.
func hidden(err error) error {
	var mistake *TemplateError
	if errors.As(err, &mistake) {
		if !strings.HasSuffix(mistake.Found, "}}") {
			mistake.Found = "{{…" // nothing says where the name ends
		}
	}
	return err
}

// learn notes the secrets in a URL.
func (e *Endpoint) learn(u *url.URL) {
	if u.User != nil {
		password, _ := u.User.Password()
		e.secrets = append(e.secrets, password, url.QueryEscape(password), u.User.Username())
	}
	for _, values := range u.Query() {
		for _, v := range values {
			e.secrets = append(e.secrets, v, url.QueryEscape(v))
		}
	}
}

// URL is the URL for a job. It must not be changed.
func (e *Endpoint) URL(tenant string, job int64) (*url.URL, error) {
	if e.fixed != nil {
		return e.fixed, nil
	}
	u, err := url.Parse(e.url.String(tenant, job))
	if err != nil {
		return nil, fmt.Errorf("url: it cannot be read for tenant %q", tenant)
	}
	return u, nil
}

// Header is the header for a job. It must not be changed.
func (e *Endpoint) Header(tenant string, job int64) http.Header {
	if len(e.headers) == 0 {
		return e.header
	}
	h := e.header.Clone()
	for _, one := range e.headers {
		h[one.key] = []string{one.value.String(tenant, job)}
	}
	return h
}

// SetDefault sets a header that the user did not.
func (e *Endpoint) SetDefault(key, value string) {
	given := slices.ContainsFunc(e.headers, func(h header) bool { return h.key == key })
	if _, fixed := e.header[key]; !fixed && !given {
		e.header[key] = []string{value}
	}
}

// Has reports whether the URL or a header has that name.
func (e *Endpoint) Has(name string) bool {
	return e.url.Has(name) || slices.ContainsFunc(e.headers, func(h header) bool { return h.value.Has(name) })
}

// Mask is a text without the user, the password, the query values and the header
// values, and without control characters.
func (e *Endpoint) Mask(text string) string {
	text = strings.ToValidUTF8(mask.Everywhere(text, e.secrets...), "\ufffd")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// Excerpt is the beginning of an answer, at most 200 bytes, masked. It masks before it
// cuts, so that no half of a secret stays.
func (e *Endpoint) Excerpt(answer []byte) string {
	const most = 200
	text := e.Mask(string(answer[:min(len(answer), 8<<10)]))
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most-len("…")], "") + "…"
	}
	return text
}

// TLSConfig is a copy of a configuration, which may be nil, for the endpoint.
func TLSConfig(c *tls.Config) *tls.Config {
	if c == nil {
		return &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return c.Clone()
}
