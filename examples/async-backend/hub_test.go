package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// The messages are large, so that the hub cannot send them before the client reads.
// When the hub says that it is closed, the process ends: here the connection is cut.
func TestAHubThatClosesSendsWhatItHas(t *testing.T) {
	t.Parallel()
	var h hub
	var connection atomic.Value
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, "acme") }))
	server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connection.Store(c)
		}
	}
	server.Start()
	defer server.Close()
	l := listen(t, server.URL, "acme")
	for range clientBuffer {
		h.broadcast("acme", []byte(strings.Repeat("x", 64<<10)))
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		h.close()
		connection.Load().(net.Conn).Close()
	}()
	got := 0
	for {
		if _, err := l.read(); err != nil {
			break
		}
		got++
	}
	<-closed
	if got != clientBuffer {
		t.Errorf("the client was sent %d messages, want %d", got, clientBuffer)
	}
	if code, _ := request(t, "GET", server.URL, ""); code != http.StatusServiceUnavailable {
		t.Errorf("a new client is answered with %d, want %d", code, http.StatusServiceUnavailable)
	}
}
