package apiclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/apiclient"
	"github.com/queuedyno/queuedyno/internal/endpoint"
)

// client makes a client for a server that answers with h.
func client(t *testing.T, o apiclient.Options, h http.HandlerFunc) *apiclient.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o.URL = server.URL + o.URL
	return open(t, o)
}

func open(t testing.TB, o apiclient.Options) *apiclient.Client {
	t.Helper()
	c, err := apiclient.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// says answers each request with a status and a text.
func says(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, text)
	}
}

func TestARequestIsThatOfTheJob(t *testing.T) {
	t.Parallel()
	got := make(chan string, 2)
	c := client(t, apiclient.Options{
		URL: "/jobs/{{.Job}}?tenant={{ .Tenant }}", Method: "PUT", Body: `{"tenant":"{{.Tenant}}","n":{{.Job}}}`,
		Headers: map[string]string{"X-Tenant": "<{{.Tenant}}>", "authorization": "Bearer abc", "Host": "api.example"},
	}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- fmt.Sprint(r.Method, " ", r.Host, " ", r.URL.Path, " ", r.URL.Query().Get("tenant"), " ", string(body), " ", r.Header.Get("X-Tenant"), " ",
			r.Header.Get("Authorization"), " ", r.Header.Get("Content-Type"), " ", r.Header.Get("Accept-Encoding"), " ", r.ContentLength, " ", r.ProtoMajor)
		io.WriteString(w, `{"jobId":"a-1"}`)
	})
	id, err := c.Do(context.Background(), `a/"b`, 42, []byte("id:"))
	if err != nil || string(id) != "id:a-1" {
		t.Fatalf("Do = %s, %v", id, err)
	}
	want := `PUT api.example /jobs/42 a/"b {"tenant":"a/\"b","n":42} <a/"b> Bearer abc application/json  25 1`
	if is := <-got; is != want {
		t.Errorf("the server received\n%s, want\n%s", is, want)
	}
}

func TestTheIDIsWhereThePathSays(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ path, answer, want string }{
		{"", `{"jobId":"x"}`, "x"},
		{"jobId", `{"a":{"jobId":"no"},"jobId":"yes"}`, "yes"},
		{"data.id", `{"data":{"id":12345678901234567890}}`, "12345678901234567890"},
		{".data.id", "\ufeff {\"id\":1,\"data\":{\"id\":1.50e3}}\r\n", "1.50e3"},
		{"$.data.id", `{"data":{"id":"ä\"\u00e9"}}`, `ä"é`},
		{`."a.b"`, `{"a.b":7}`, "7"},
		{"jobId", `{"jobId":"x","big":"` + strings.Repeat("y", 100_000) + `"}`, "x"},
	} {
		c := client(t, apiclient.Options{ID: row.path}, says(201, row.answer))
		for range 2 {
			if id, err := c.Do(context.Background(), "t", 1, nil); err != nil || string(id) != row.want {
				t.Errorf("%s in %.80s: %s, %v; want %s", row.path, row.answer, id, err, row.want)
			}
		}
	}
}

func TestEachAnswerThatIsNoSuccessIsExplained(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		status               int
		answer, count, text  string
		hint, location, path string
	}{
		{status: 401, answer: `{"error":"no token, got hunter22"}`, count: "status_401", text: `answered 401 Unauthorized: {"error":"no token, got ***"}`, hint: "Authorization"},
		{status: 403, count: "status_403", text: "answered 403 Forbidden", hint: "Authorization"},
		{status: 404, count: "status_404", text: "404 Not Found", hint: "path of the URL"},
		{status: 503, answer: "over\nloaded " + strings.Repeat("z", 500), count: "status_503", text: "over loaded zzz", hint: "log of the API"},
		{status: 422, count: "status_422", text: "422", hint: "body"},
		{status: 429, count: "status_429", text: "429", hint: "rate"},
		{status: 308, location: "https://u:hunter22@b.example/jobs?token=hunter22", count: "status_308", text: "308", hint: "not followed; write the URL to which the API redirects: https://b.example/jobs"},
		{status: 200, answer: `{"data":{"id":1,"token":"s"},"ok":true}`, count: "no_id", text: "no id at .jobId; it has .data.id, .data.token, .ok", hint: "path of the id"},
		{status: 200, answer: `{"jobId":{"v":1}}`, count: "no_id", text: "the id at .jobId is neither text nor a number; the answer has .jobId.v", hint: "down to a text"},
		{status: 200, answer: "{\"jobId\":\"a\x8f\"}", count: "no_id", text: "the id at .jobId has a character that cannot be decoded", hint: "UTF-8"},
		{status: 200, answer: `{"jobId":"\ud800"}`, count: "no_id", text: "cannot be decoded"},
		{status: 200, answer: `{"jobId":null}`, count: "no_id", text: "neither text nor a number"},
		{status: 200, answer: `{}`, count: "no_id", text: "empty object"},
		{status: 204, count: "unreadable", text: "the answer is empty"},
		{status: 200, answer: "<html>", count: "unreadable", text: "not a JSON object: <html>", hint: "JSON object"},
		{status: 200, answer: `{"jobId":"1"`, count: "unreadable", text: "whole JSON object"},
		{status: 200, answer: strings.Repeat("x", apiclient.MaxAnswer+1), count: "too_large", text: "larger than 1024 KiB"},
	} {
		c := client(t, apiclient.Options{Body: "{}", Headers: map[string]string{"Authorization": "Bearer hunter22"}}, func(w http.ResponseWriter, r *http.Request) {
			if row.location != "" {
				w.Header().Set("Location", row.location)
			}
			says(row.status, row.answer)(w, r)
		})
		_, err := c.Do(context.Background(), "t", 1, nil)
		var e *endpoint.Error
		if !errors.As(err, &e) || e.Counter() != row.count || !strings.Contains(err.Error(), row.text) || !strings.Contains(e.Hint(), row.hint) {
			t.Errorf("%d %.40s: %v (hint %q), want %s: %s (%s)", row.status, row.answer, err, e.Hint(), row.count, row.text, row.hint)
			continue
		}
		if e.Status != row.status || len(err.Error()) > 400 || strings.Contains(err.Error()+e.Hint(), "hunter22") {
			t.Errorf("%d: status %d, %d bytes: %v, %s", row.status, e.Status, len(err.Error()), err, e.Hint())
		}
	}
}

func TestOtherCodesMayBeExpected(t *testing.T) {
	t.Parallel()
	c := client(t, apiclient.Options{Status: []int{303, 202}}, says(303, `{"jobId":1}`))
	if id, err := c.Do(context.Background(), "t", 1, nil); err != nil || string(id) != "1" {
		t.Errorf("303: %s, %v", id, err)
	}
	c = client(t, apiclient.Options{Status: []int{202}}, says(200, `{"jobId":1}`))
	var e *endpoint.Error
	if _, err := c.Do(context.Background(), "t", 1, nil); !errors.As(err, &e) || e.Counter() != "status_200" || !strings.Contains(e.Hint(), "add 200 to the expected") {
		t.Errorf("200: %v", err)
	}
}

// listen answers each connection with h.
func listen(t *testing.T, h func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { defer conn.Close(); h(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

func TestEachConnectionThatFailsIsExplained(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	request := make([]byte, 4096)
	plain := httptest.NewServer(says(200, "{}"))
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(says(200, "{}"))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	rows := []struct {
		name, url string
		count     endpoint.Kind
		hint      string
		reached   bool // by Check
	}{
		{"refused", "http://127.0.0.1:1", endpoint.Refused, "start the API", false},
		{"unknown host", "http://no-such-host.invalid/", endpoint.UnknownHost, "correct the host", false},
		{"closed", "http://" + listen(t, func(c net.Conn) { c.Read(request[:0:0]) }), endpoint.Closed, "", true},
		{"silent", "http://" + listen(t, func(net.Conn) { <-silent }), endpoint.Timeout, "timeout", true},
		{"not HTTP", "http://" + listen(t, func(c net.Conn) {
			c.Read(make([]byte, 4096))
			io.WriteString(c, "-ERR unknown command\r\n")
			<-silent
		}), endpoint.Protocol, "port", true},
		{"not HTTP, and speaks first", "http://" + listen(t, func(c net.Conn) { io.WriteString(c, "SSH-2.0-OpenSSH\r\n"); <-silent }), endpoint.Protocol, "port", true},
		{"no TLS", strings.Replace(plain.URL, "http", "https", 1), endpoint.TLS, "write http://", false},
		{"unknown authority", secure.URL, endpoint.TLS, "SSL_CERT_FILE", false},
		{"TLS", strings.Replace(secure.URL, "https", "http", 1), endpoint.Status, "write https://", true},
	}
	t.Cleanup(func() { close(silent) }) // before the listeners wait for their connections
	for _, row := range rows {
		url := strings.Replace(row.url, "://", "://me:hunter22@", 1) + "?sig=geheim22"
		o := apiclient.Options{URL: url, Timeout: 30 * time.Second}
		if row.name == "silent" {
			o.Timeout = 100 * time.Millisecond
		}
		c := open(t, o)
		_, err := c.Do(context.Background(), "t", 1, nil)
		var e *endpoint.Error
		reset := row.name == "closed" && errors.As(err, &e) && e.Kind == endpoint.Reset // which of both depends on the kernel
		if !errors.As(err, &e) || e.Kind != row.count && !reset || !strings.Contains(e.Hint(), row.hint) {
			t.Errorf("%s: Do: %v (%+v), want %s and hint %q", row.name, err, e, row.count, row.hint)
			continue
		}
		o.Timeout = 30 * time.Second
		checked := open(t, o).Check(context.Background())
		if (checked == nil) != row.reached {
			t.Errorf("%s: Check: %v", row.name, checked)
		}
		for _, secret := range []string{"hunter22", "geheim22"} {
			if strings.Contains(fmt.Sprint(err, checked, e.Hint()), secret) {
				t.Errorf("%s: %v / %v gives a secret away", row.name, err, checked)
			}
		}
	}
}

func TestTheEndOfTheCallersContextIsNoTimeout(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	arrived := make(chan struct{})
	c := client(t, apiclient.Options{}, func(_ http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done() })
	go func() { <-arrived; cancel() }()
	var e *endpoint.Error
	if _, err := c.Do(ctx, "t", 1, nil); !errors.As(err, &e) || e.Kind != endpoint.Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("Do = %v, want canceled", err)
	}
}

// TestThereAreAsManyConnectionsAsWereAskedFor: all requests share them, also after
// errors.
func TestThereAreAsManyConnectionsAsWereAskedFor(t *testing.T) {
	t.Parallel()
	const connections, callers, each = 3, 12, 50
	var opened, requests, at, most atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := at.Add(1)
		defer at.Add(-1)
		for {
			was := most.Load()
			if now <= was || most.CompareAndSwap(was, now) {
				break
			}
		}
		if requests.Add(1)%5 == 0 {
			w.WriteHeader(500)
		}
		io.WriteString(w, `{"jobId":"x"}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	c := open(t, apiclient.Options{URL: server.URL, Connections: connections, Body: `{"n":{{.Job}}}`})
	var wg sync.WaitGroup
	var failed atomic.Int64
	for i := range callers {
		wg.Go(func() {
			for n := range each {
				if _, err := c.Do(context.Background(), "t", int64(i*each+n), nil); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	// One that the transport replaces is closed first, but the server may hear of that
	// later. A client that did not keep its connections would open hundreds.
	if opened.Load() > 2*connections || most.Load() > connections || failed.Load() != callers*each/5 || requests.Load() != callers*each {
		t.Errorf("%d connections, %d at once, %d of %d requests failed; want about %d, %d, %d of %d", opened.Load(), most.Load(), failed.Load(), requests.Load(),
			connections, connections, callers*each/5, callers*each)
	}
}

func TestMistakenOptionsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]apiclient.Options{
		`url: it does not begin with http:// or https://`:                           {URL: "ftp://x/"},
		`url: it names no host`:                                                     {URL: "http:///x"},
		`url: it cannot be read`:                                                    {URL: "http://a b/"},
		`url: column 12: "{{.Tenat}}" is not a name; write {{.Tenant}} or {{.Job}}`: {URL: "http://x/y/{{.Tenat}}"},
		`body: column 7: "{{.Job" is not a name`:                                    {URL: "http://x/", Body: `{"n": {{.Job`},
		`header A: column 1: "{{.ID}}" is not a name`:                               {URL: "http://x/", Headers: map[string]string{"A": "{{.ID}}"}},
		`header "A B": it is not the name of a header`:                              {URL: "http://x/", Headers: map[string]string{"A B": "x"}},
		`header A: the value holds a line break`:                                    {URL: "http://x/", Headers: map[string]string{"A": "hunter22\n"}},
		`the host is the same for all jobs`:                                         {URL: "http://{{.Tenant}}.example/"},
		`id: "a[0]"`:                                                                {URL: "http://x/", ID: "a[0]"},
		`method: "get" is not a method`:                                             {URL: "http://x/", Method: "get"},
		`status: 99 is not the status code`:                                         {URL: "http://x/", Status: []int{99}},
	} {
		_, err := apiclient.New(o)
		if want = strings.Replace(want, `"a[0]"`, `".a[0]"`, 1); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%+v: %v, want %s", o, err, want)
		}
	}
}

func BenchmarkDo(b *testing.B) {
	server := httptest.NewServer(says(201, `{"jobId":"01234567-89ab-cdef-0123-456789abcdef"}`))
	defer server.Close()
	c := open(b, apiclient.Options{URL: server.URL + "/jobs", Body: `{"tenantId":"{{.Tenant}}","n":{{.Job}}}`})
	id := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if id, err = c.Do(context.Background(), "t1", 1, id[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
