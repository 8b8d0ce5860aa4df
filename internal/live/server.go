package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/webpage"
)

const (
	// maxViewers is how many viewers are served at a time.
	maxViewers = 32
	// writeWithin is how long a viewer may take for one event. One that takes longer
	// is disconnected; its page connects again.
	writeWithin = 10 * time.Second
	// lastWithin is how long the last event may take to reach the viewers.
	lastWithin = 3 * time.Second
)

// Server serves a hub by HTTP, to any number of viewers up to a bound. It answers only
// requests for the hosts that its address trusts, and other websites cannot read it.
type Server struct {
	address  Address
	listener net.Listener
	hub      *Hub
	page     []byte
	http     *http.Server
	served   chan struct{}
}

// Listen takes the address and serves the hub there until Close. An address that is
// taken is an error, with a remedy.
func Listen(ctx context.Context, a Address, h *Hub) (*Server, error) {
	var page bytes.Buffer
	if err := webpage.WriteLive(&page, h.title); err != nil {
		return nil, fmt.Errorf("write live page: %w", err)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort(a.host, a.port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &problem.Hinted{What: fmt.Sprintf("live page: %s is taken", net.JoinHostPort(a.host, a.port)), Remedy: "choose another port; --live alone takes one that is free"}
	}
	if err != nil {
		return nil, fmt.Errorf("live page: %w", err)
	}
	s := &Server{address: a, listener: l, hub: h, page: page.Bytes(), served: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.root)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	s.http = &http.Server{Handler: s.guard(mux), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 14}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l) // ends with Close
	}()
	return s, nil
}

// URL is where the page is on this host.
func (s *Server) URL() string {
	_, port, err := net.SplitHostPort(s.listener.Addr().String())
	if err != nil {
		port = s.address.port
	}
	host := s.address.host
	if s.address.everywhere() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// Reach says who else can open the page, empty when only this host can.
func (s *Server) Reach() string {
	switch {
	case s.address.here():
		return ""
	case s.address.everywhere():
		words := "it is served on all interfaces, to everyone who can reach this host"
		if name, err := os.Hostname(); err == nil {
			words += " (" + name + ")"
		}
		return words
	}
	return "it is served to everyone who can reach " + s.address.host
}

// Close ends the hub, waits a moment until every viewer has all there is, and ends the
// server. It returns when the server has ended.
func (s *Server) Close() {
	s.hub.End()
	wait := time.NewTimer(lastWithin)
	defer wait.Stop()
	select {
	case <-s.hub.left():
	case <-wait.C:
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
	<-s.served
}

// guard refuses what comes from other websites.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.address.trusts(r.Host) {
			http.Error(w, "this host name is not one of this server; use its address", http.StatusForbidden)
			return
		}
		// Only the page itself reads its events.
		if from := r.Header.Get("Sec-Fetch-Site"); r.URL.Path == "/events" && from != "" && from != "same-origin" {
			http.Error(w, "other sites cannot read this", http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		next.ServeHTTP(w, r)
	})
}

func (s *Server) root(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(s.page)
}

// events sends a viewer everything from the start, and then what is added.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	if !s.hub.join(maxViewers) {
		w.Header().Set("Retry-After", "30")
		http.Error(w, fmt.Sprintf("%d viewers are connected, and there cannot be more", maxViewers), http.StatusServiceUnavailable)
		return
	}
	defer s.hub.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	to := http.NewResponseController(w)
	write := func(data []byte) error {
		if err := to.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
		return to.Flush()
	}
	if write([]byte("retry: 1000\n\n")) == nil {
		s.hub.follow(r.Context(), write)
	}
}
