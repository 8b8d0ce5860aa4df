package browser_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/queuedyno/queuedyno/internal/browser"
	"github.com/queuedyno/queuedyno/internal/endpoint"
	"github.com/queuedyno/queuedyno/internal/reconnect"
	"github.com/queuedyno/queuedyno/internal/updates"
)

// serve accepts WebSockets, and ends each when h returns.
func serve(t *testing.T, h func(*http.Request, *websocket.Conn)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"v1"}})
		if err != nil {
			return
		}
		defer conn.CloseNow()
		h(r, conn)
	}))
	t.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http")
}

func send(conn *websocket.Conn, kind websocket.MessageType, text string) {
	conn.Write(context.Background(), kind, []byte(text))
}

// heard collects what clients hear.
type heard struct {
	mu   sync.Mutex
	all  []string
	gaps []browser.Gap
	more chan struct{}
}

func (h *heard) options(url string) browser.Options {
	h.more = make(chan struct{}, 1000)
	note := func(text string) {
		h.mu.Lock()
		h.all = append(h.all, text)
		h.mu.Unlock()
		h.more <- struct{}{}
	}
	return browser.Options{
		URL: url, Settle: time.Millisecond, Policy: reconnect.Policy{Immediate: 1, First: time.Millisecond, Longest: 10 * time.Millisecond},
		Heard: func(client int, at time.Time, u updates.View) {
			note(fmt.Sprintf("%d %s %s %s %v", client, u.TenantID, u.JobID, u.Status, !at.IsZero()))
		},
		Ignored: func(client int, m []byte, err error) { note(fmt.Sprintf("%d ignored %.20s", client, m)) },
		Gap: func(g browser.Gap) {
			h.mu.Lock()
			h.gaps = append(h.gaps, g)
			h.mu.Unlock()
			h.more <- struct{}{}
		},
	}
}

// wait waits for n more events and returns all messages, sorted.
func (h *heard) wait(t *testing.T, n int) []string {
	t.Helper()
	for range n {
		select {
		case <-h.more:
		case <-time.After(30 * time.Second):
			t.Fatalf("only %q was heard", h.all)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(slices.Values(h.all))
}

func open(t *testing.T, o browser.Options) *browser.Clients {
	t.Helper()
	c, err := browser.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestClientsAreDealtToTheTenants(t *testing.T) {
	t.Parallel()
	url := serve(t, func(r *http.Request, conn *websocket.Conn) {
		_, first, _ := conn.Read(context.Background())
		send(conn, websocket.MessageText, fmt.Sprintf(`{"jobId":%q,"status":"COMPLETED","tenantId":%q}`, first, r.URL.Query().Get("tenant")+r.Header.Get("X-T")+conn.Subprotocol()))
		conn.Read(context.Background())
	})
	var h heard
	o := h.options(url + "/ws?tenant={{.Tenant}}")
	o.First, o.Headers, o.Subprotocol, o.Clients, o.Tenants = "sub {{.Tenant}}", map[string]string{"x-t": "<{{.Tenant}}>"}, "v1", 3, []string{"a", "b"}
	c := open(t, o)
	want := []string{"0 a<a>v1 sub a COMPLETED true", "1 b<b>v1 sub b COMPLETED true", "2 a<a>v1 sub a COMPLETED true"}
	if got := h.wait(t, 3); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
	if got := fmt.Sprint(c.Listeners(0), c.Listeners(1), c.PerTenant()); got != "[0 2] [1] true" {
		t.Errorf("listeners %s", got)
	}
}

func TestEachFormOfMessageIsRead(t *testing.T) {
	t.Parallel()
	mapping, err := updates.ParseMapping("id=.data.id,status=.state,completed=done")
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, func(_ *http.Request, conn *websocket.Conn) {
		send(conn, websocket.MessageText, "hello")
		conn.Ping(conn.CloseRead(context.Background()))
		send(conn, websocket.MessageBinary, `{"data":{"id":12345678901234567890},"state":"done"}`)
		send(conn, websocket.MessageText, ` [{"data":{"id":"x"},"state":"FAILED"}, {"type":"ping"},{"data":{"id":"y"},"state":"running"}]`)
		send(conn, websocket.MessageText, `[{"data":{"id":"z"},"state":"done"}`)
		send(conn, websocket.MessageText, `{"data":{"id":"big"},"state":"done","pad":"`+strings.Repeat("p", 300_000)+`"}`)
		<-conn.CloseRead(context.Background()).Done()
	})
	var h heard
	o := h.options(url)
	o.Mapping = mapping
	open(t, o)
	want := []string{
		"0  12345678901234567890 COMPLETED true", "0  big COMPLETED true", "0  x FAILED true", "0  y RUNNING true",
		"0 ignored [{\"data\":{\"id\":\"z\"},", "0 ignored hello", "0 ignored {\"type\":\"ping\"}",
	}
	if got := h.wait(t, 7); !slices.Equal(got, want) {
		t.Errorf("heard\n%q, want\n%q", got, want)
	}
}

func TestALostConnectionIsOpenedAgainAndTheGapReported(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	opened := make(chan struct{})
	url := serve(t, func(_ *http.Request, conn *websocket.Conn) {
		switch connections.Add(1) {
		case 1:
			<-opened
			send(conn, websocket.MessageText, `{"jobId":1,"status":"COMPLETED"}`)
			conn.CloseNow()
		case 2: // the client ends the connection
			send(conn, websocket.MessageText, strings.Repeat("x", 5000))
			conn.Read(context.Background())
		case 3:
			conn.Close(4401, "token geheim22 expired")
		default:
			send(conn, websocket.MessageText, `{"jobId":2,"status":"COMPLETED"}`)
			conn.Read(context.Background())
		}
	})
	var h heard
	o := h.options(url + "?token=geheim22")
	o.Limit = 4096
	open(t, o)
	close(opened)
	if got, want := h.wait(t, 5), []string{"0  1 COMPLETED true", "0  2 COMPLETED true"}; !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
	if len(h.gaps) != 3 {
		t.Fatalf("gaps %+v, want 3", h.gaps)
	}
	for i, want := range []string{"connection", "a message is larger than 4 KiB", "code 4401: token *** expired"} {
		g := h.gaps[i]
		if g.Client != 0 || g.From.After(g.To) || g.Ended || !strings.Contains(g.Err.Error(), want) || strings.Contains(g.Err.Error(), "geheim22") {
			t.Errorf("gap %d: %+v, want %s", i, g, want)
		}
	}
}

func TestCloseEndsAGap(t *testing.T) {
	t.Parallel()
	opened := make(chan struct{})
	var requests atomic.Int64
	again := make(chan struct{}, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) > 1 {
			w.WriteHeader(503)
			again <- struct{}{}
			return
		}
		if conn, err := websocket.Accept(w, r, nil); err == nil {
			<-opened
			conn.CloseNow()
		}
	}))
	t.Cleanup(server.Close)
	var h heard
	c := open(t, h.options("ws"+strings.TrimPrefix(server.URL, "http")))
	close(opened)
	for range 3 {
		<-again
	}
	c.Close()
	if len(h.gaps) != 1 || !h.gaps[0].Ended {
		t.Errorf("gaps %+v", h.gaps)
	}
}

func TestEachHandshakeThatFailsIsExplained(t *testing.T) {
	t.Parallel()
	answers := func(code int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/")
			w.WriteHeader(code)
			w.Write([]byte("got geheim22"))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	for _, row := range []struct {
		url, count, text, hint, subprotocol string
	}{
		{"http://127.0.0.1:1", "refused", "connection refused", "start the API", ""},
		{answers(401), "status_401", "401 Unauthorized, not a WebSocket: got ***", "Authorization, Cookie or Origin", ""},
		{answers(404), "status_404", "404", "path", ""},
		{answers(200), "status_200", "200 OK, not a WebSocket", "path", ""},
		{answers(426), "status_426", "426", "subprotocol", ""},
		{answers(302), "status_302", "302", "not followed", ""},
		{answers(502), "status_502", "502", "log", ""},
		{strings.Replace(answers(200), "http", "https", 1), "tls", "does not speak TLS", "write ws://", ""},
		{serve(t, func(_ *http.Request, c *websocket.Conn) { c.Close(4401, "token geheim22") }), "closed", "code 4401: token ***", "first message", ""},
		{serve(t, func(*http.Request, *websocket.Conn) {}), "closed", "closed the connection", "first message", ""},
		{serve(t, func(_ *http.Request, c *websocket.Conn) { c.Read(context.Background()) }), "protocol", "subprotocol v9", "subprotocol", "v9"},
	} {
		var h heard
		o := h.options(strings.Replace(row.url, "http", "ws", 1) + "/?token=geheim22")
		o.Clients, o.Settle, o.Subprotocol = 3, 30*time.Second, row.subprotocol
		_, err := browser.Open(context.Background(), o)
		var e *endpoint.Error
		if !errors.As(err, &e) || e.Counter() != row.count && e.Kind != endpoint.Reset || !strings.Contains(e.Hint(), row.hint) && e.Kind != endpoint.Reset ||
			!strings.Contains(err.Error(), row.text) && e.Kind != endpoint.Reset || strings.Contains(err.Error()+e.Hint(), "geheim22") {
			t.Errorf("%v (%+v), want %s %q hint %q", err, e, row.count, row.text, row.hint)
		}
	}
	if _, err := browser.Open(context.Background(), browser.Options{URL: "ws://x/{{.Job}}", First: "{{x}}"}); err == nil || strings.Count(err.Error(), "column") != 2 {
		t.Errorf("Open = %v, want two mistakes", err)
	}
}

func TestNoGoroutineIsLeftAfterClose(t *testing.T) {
	url := serve(t, func(_ *http.Request, conn *websocket.Conn) { conn.Read(context.Background()) })
	var h heard
	o := h.options(url)
	o.Clients = 20
	open(t, o).Close()
	left := ""
	for range 100 { // goroutines of the transport end a little later
		buf := make([]byte, 1<<20)
		left = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(left, "browser.(*client)") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("goroutines are left:\n%s", left)
}
