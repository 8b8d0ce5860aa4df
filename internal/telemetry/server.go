package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/queuedyno/queuedyno/internal/literal"
)

// ParseAddress reads the address of a listener, as [literal.Listener] does.
func ParseAddress(text string) (string, error) {
	host, port, err := literal.Listener(text)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, port), nil
}

// Server serves metrics over HTTP: /metrics, and a page that links there.
type Server struct {
	listener net.Listener
	http     http.Server
	ended    chan struct{} // closed when nothing is served any more

	mu   sync.Mutex
	last chan struct{} // closed by the first scrape that began after Linger; nil before
}

// Serve serves the metrics at an address of [ParseAddress]. It returns when the port is
// bound; the caller closes the server.
func (m *Metrics) Serve(address string) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve metrics: %w", err)
	}
	s := &Server{listener: listener, ended: make(chan struct{})}
	scrape := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, EnableOpenMetrics: true,
		MaxRequestsInFlight: 4, // the load needs the CPUs
	})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) { s.scrape(scrape, w, r) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, page) // the reader may be gone
	})
	s.http = http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 1 << 16, ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() {
		defer close(s.ended)
		_ = s.http.Serve(listener) // it ends with Close
	}()
	return s, nil
}

const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>queuedyno</title>
<h1>queuedyno</h1>
<p><a href="/metrics">Metrics</a> of the process, in the format of Prometheus.</p>
</html>
`

// Address is the HOST:PORT that was bound.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Local reports whether only this host can reach the server.
func (s *Server) Local() bool {
	at, ok := s.listener.Addr().(*net.TCPAddr)
	return ok && at.IP.IsLoopback()
}

func (s *Server) scrape(handler http.Handler, w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	handler.ServeHTTP(w, r)
	if last == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-last:
	default:
		close(last)
	}
}

// Linger waits until the metrics were read once more, at most for so long, or until ctx
// ends. It reports whether they were read. It is called once. From the call of begun on,
// every scrape counts.
func (s *Server) Linger(ctx context.Context, most time.Duration, begun func()) (read bool) {
	last := make(chan struct{})
	s.mu.Lock()
	s.last = last
	s.mu.Unlock()
	begun()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-last:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// Close lets answers that are under way go out, for a second, and frees the port.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	<-s.ended
	return err
}
