package endpoint_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/queuedyno/queuedyno/internal/endpoint"
)

var (
	web   = []string{"http", "https"}
	names = []string{endpoint.Tenant, endpoint.Job}
)

func TestNamesStandForValuesInTheURLAndInHeaders(t *testing.T) {
	t.Parallel()
	e, err := endpoint.Parse("https://api.example/t/{{.Tenant}}?job={{ .Job }}", map[string]string{"x-tenant": "{{.Tenant}}", "Accept": "*/*"}, web, names)
	if err != nil {
		t.Fatal(err)
	}
	u, err := e.URL("a b&c", 7)
	if err != nil || u.String() != "https://api.example/t/a%20b%26c?job=7" {
		t.Errorf("URL = %s, %v: a value must be escaped", u, err)
	}
	h := e.Header("a b&c", 7)
	if h.Get("X-Tenant") != "a b&c" || h.Get("Accept") != "*/*" {
		t.Errorf("Header = %v", h)
	}
	if e.Host != "api.example:443" || !e.TLS || e.Address != "https://api.example/t/{{.Tenant}}" || !e.Has(endpoint.Tenant) {
		t.Errorf("host %q, TLS %t, address %q", e.Host, e.TLS, e.Address)
	}
	e.SetDefault("X-Tenant", "other")
	e.SetDefault("Accept", "other")
	e.SetDefault("User-Agent", "queuedyno")
	if h := e.Header("t1", 1); h.Get("X-Tenant") != "t1" || h.Get("Accept") != "*/*" || h.Get("User-Agent") != "queuedyno" {
		t.Errorf("after SetDefault the header is %v", h)
	}
}

func TestAPortThatIsLeftOutIsTheOneOfTheScheme(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"http://h/": "h:80", "https://h": "h:443", "http://h:3000/": "h:3000", "http://[::1]/": "[::1]:80", "https://[::1]:8443/": "[::1]:8443",
	} {
		e, err := endpoint.Parse(raw, nil, web, nil)
		if err != nil || e.Host != want {
			t.Errorf("Parse(%q): %v, host %q, want %q", raw, err, e.Host, want)
		}
	}
}

func TestWhatIsNoEndpointIsRefusedWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		raw     string
		headers map[string]string
		says    string
	}{
		{"ws://u:geheim22@h/", nil, "http:// or https://"},
		{"http://u:geheim22@/path", nil, "names no host"},
		{"http://u:geheim22@h:x/", nil, "cannot be read"},
		{"http://u:geheim22@h/#part", nil, "follows the #"},
		{"http://u:geheim22@{{.Tenant}}.example/", nil, "the same for all jobs"},
		{"http://h/{{.User}}?token=geheim22", nil, "{{.User}}"},
		{"http://h/", map[string]string{"Authorization": "Bearer {{geheim22geheim22"}, "header Authorization"},
		{"http://h/", map[string]string{"Author ization": "geheim22"}, "not the name of a header"},
		{"http://h/", map[string]string{"Authorization": "geheim22\r\nX: y"}, "line break"},
	} {
		_, err := endpoint.Parse(row.raw, row.headers, web, names)
		if err == nil || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "geheim22") {
			t.Errorf("Parse(%q, %q) = %v, want %q and no secret", row.raw, row.headers, err, row.says)
		}
	}
}

func TestNoAnswerShowsASecret(t *testing.T) {
	t.Parallel()
	e, err := endpoint.Parse("https://ann:pass+word22@h/?key=geheim22&n=1", map[string]string{"Authorization": "Bearer token-42", "X-Id": "{{.Tenant}}"}, web, names)
	if err != nil {
		t.Fatal(err)
	}
	if e.Address != "https://h/" {
		t.Errorf("the address is %q", e.Address)
	}
	got := e.Mask("geheim22 pass+word22 pass%2Bword22 Bearer token-42 token-42 1 t1\x1b[2J\n\xff")
	if want := "*** *** *** *** *** 1 t1 [2J \ufffd"; got != want {
		t.Errorf("Mask = %q, want %q", got, want)
	}
	// What is cut off must not leave half of a secret.
	long := strings.Repeat("x", 190) + "geheim22" + strings.Repeat("y", 100)
	if got := e.Excerpt([]byte(long)); len(got) > 200 || strings.Contains(got, "gehe") || !strings.HasSuffix(got, "…") {
		t.Errorf("Excerpt = %q", got)
	}
}

func TestATemplateOfJSONEscapesItsValues(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"tenant":"{{.Tenant}}","n":{{.Job}}}`: `{"tenant":"a\"b","n":7}`,
		`["{{ .Tenant }}"]`:                     `["a\"b"]`,
		`{{.Tenant}}`:                           `a"b`,
		`tenant={{.Tenant}};{}`:                 `tenant=a"b;{}`,
	} {
		template, err := endpoint.ParseTemplate(text, names...)
		if err != nil {
			t.Errorf("ParseTemplate(%q): %v", text, err)
			continue
		}
		if got := template.String(`a"b`, 7); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	_, err := endpoint.ParseTemplate("ab{{.Tennant}}", names...)
	mistake, is := errors.AsType[*endpoint.TemplateError](err)
	if !is || mistake.Column != 3 || mistake.Found != "{{.Tennant}}" {
		t.Errorf("ParseTemplate = %v, want the mistake in column 3", err)
	}
}

func TestErrorsOfAConnectionHaveAKindAndARemedy(t *testing.T) {
	t.Parallel()
	e, err := endpoint.Parse("http://h/?key=geheim22", nil, web, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		err  error
		kind endpoint.Kind
		hint string
	}{
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, endpoint.Refused, "start the API"},
		{&net.DNSError{Name: "h", Err: "no such host", IsNotFound: true}, endpoint.UnknownHost, "correct the host"},
		{syscall.EMFILE, endpoint.Exhausted, "ulimit -n"},
		{syscall.EHOSTUNREACH, endpoint.Unreachable, "firewalls"},
		{context.DeadlineExceeded, endpoint.Timeout, "raise the timeout"},
		{syscall.ECONNRESET, endpoint.Reset, "see the log"},
		{io.EOF, endpoint.Closed, "see its log"},
		{errors.New("tls: first record does not look like a TLS handshake"), endpoint.TLS, "write http://"},
		{errors.New(`net/http: malformed HTTP response "x"`), endpoint.Protocol, "correct the port"},
		{errors.New("readLoopPeekFailLocked: %!w(<nil>)"), endpoint.Protocol, "correct the port"},
		{errors.New("odd: geheim22"), endpoint.Other, ""},
	} {
		x := e.Explain("POST", t.Context(), fmt.Errorf("request: %w", row.err))
		if x.Kind != row.kind || x.Counter() != string(row.kind) || !strings.Contains(x.Hint(), row.hint) || !errors.Is(x, row.err) || strings.Contains(x.Error(), "geheim22") {
			t.Errorf("%v: kind %s, hint %q, error %q; want %s and %q", row.err, x.Kind, x.Hint(), x, row.kind, row.hint)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if x := e.Explain("POST", over, io.EOF); x.Kind != endpoint.Canceled || !errors.Is(x, context.Canceled) {
		t.Errorf("after the end of the caller's context: %s, %v", x.Kind, x)
	}
	status := &endpoint.Error{Op: "POST", Address: e.Address, Kind: endpoint.Status, Status: http.StatusTeapot, Err: errors.New("odd")}
	if x := e.Explain("GET", t.Context(), status); x != status || x.Counter() != "status_418" {
		t.Errorf("an error that is explained became %v, %s", x, x.Counter())
	}
}
