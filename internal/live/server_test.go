package live_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/live"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/webpage"
)

func serve(t *testing.T, address string) (*live.Server, *live.Hub) {
	t.Helper()
	a, err := live.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	h := live.NewHub("test")
	s, err := live.Listen(t.Context(), a, h)
	if err != nil {
		t.Fatal(err)
	}
	return s, h
}

func titled(title string) live.Make {
	return func() (webpage.Document, error) { return webpage.Document{Title: title}, nil }
}

// ask requests a path with that Host and those headers.
func ask(t *testing.T, s *live.Server, path, host string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(s.URL(), "/")+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// A website whose name is made to point at this server asks for its name, and is refused
// (DNS rebinding). Addresses as numbers and localhost cannot be such names.
func TestOnlyItsOwnHostsAreServed(t *testing.T) {
	t.Parallel()
	s, h := serve(t, "127.0.0.1:0")
	defer s.Close()
	h.Show("run", titled("secret"), nil)
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:8080": 200, "localhost:1": 200, "LOCALHOST": 200, "[::1]:80": 200, "192.168.1.7": 200, "a.localhost": 200,
		"evil.example": 403, "evil.example:80": 403, "127.0.0.1.evil.example": 403, "localhost.evil.example": 403, "notlocalhost": 403,
	} {
		for _, path := range []string{"/", "/events"} {
			if path == "/events" && want == 200 {
				continue // it goes on
			}
			answer := ask(t, s, path, host)
			if answer.StatusCode != want {
				t.Errorf("GET %s of %s = %d, want %d", path, host, answer.StatusCode, want)
			}
			if body, _ := io.ReadAll(answer.Body); want == 403 && strings.Contains(string(body), "secret") {
				t.Errorf("GET %s of %s was refused, and answered with %q", path, host, body)
			}
		}
	}
}

func TestANamedHostIsServedUnderItsName(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, "localhost:0")
	defer s.Close()
	if got := ask(t, s, "/", "localhost").StatusCode; got != 200 {
		t.Errorf("GET / of the named host = %d", got)
	}
	if got := s.Reach(); got != "" {
		t.Errorf("Reach() of localhost = %q, want nothing", got)
	}
}

// No website can read the page or its events: nothing allows another origin.
func TestOtherSitesCannotReadIt(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, "127.0.0.1:0")
	defer s.Close()
	for _, site := range []string{"cross-site", "same-site", "none"} {
		if got := ask(t, s, "/events", "127.0.0.1", "Sec-Fetch-Site", site).StatusCode; got != 403 {
			t.Errorf("GET /events from a %s page = %d, want 403", site, got)
		}
	}
	answer := ask(t, s, "/", "127.0.0.1", "Origin", "http://evil.example")
	if got := answer.Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("other origins are allowed: %q", got)
	}
	for name, want := range map[string]string{"Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY", "Cache-Control": "no-store"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestAnAddressThatIsTakenIsRefused(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := live.ParseAddress(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = live.Listen(t.Context(), a, live.NewHub("test")); err == nil || !strings.Contains(err.Error(), "taken") || problem.Of(err).Hint == "" {
		t.Errorf("Listen on a taken address = %v, want it refused with a remedy", err)
	}
}

func TestAddressesAreRead(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "99999", "localhost", "localhost:http", "1.2.3.4:99999", "http://x:80", "host:-1", "a/b:80"} {
		if a, err := live.ParseAddress(bad); err == nil {
			t.Errorf("ParseAddress(%q) = %v, want an error", bad, a)
		} else if problem.Of(err).Hint == "" {
			t.Errorf("ParseAddress(%q) gives no remedy: %v", bad, err)
		}
	}
	s, _ := serve(t, "0.0.0.0:0")
	defer s.Close()
	if !strings.HasPrefix(s.URL(), "http://127.0.0.1:") || !strings.Contains(s.Reach(), "all interfaces") {
		t.Errorf("URL() = %q, Reach() = %q; want this host, and all interfaces", s.URL(), s.Reach())
	}
	for _, text := range []string{":0", "0"} {
		here, _ := serve(t, text)
		if !strings.HasPrefix(here.URL(), "http://127.0.0.1:") || here.Reach() != "" {
			t.Errorf("%q: URL() = %q, Reach() = %q; want this host only", text, here.URL(), here.Reach())
		}
		here.Close()
	}
	for word, want := range map[string]bool{
		":8080": true, "127.0.0.1:0": true, "host:80": true, "[::1]:80": true, "8080": true,
		"steady": false, "": false, "--rate": false, "-r": false, "a:b": false, "redis://x:6379": false, ":": false,
	} {
		if got := live.IsAddress(word); got != want {
			t.Errorf("IsAddress(%q) = %t, want %t", word, got, want)
		}
	}
}

// events reads the names of the events that a viewer is sent.
func events(t *testing.T, ctx context.Context, s *live.Server) <-chan string {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	names := make(chan string, 100)
	go func() {
		defer close(names)
		defer answer.Body.Close()
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				names <- name
			}
		}
	}()
	return names
}

// Closing the server gives every viewer the end before it is gone, and a viewer that left
// disturbs no other.
func TestCloseGivesEveryViewerTheEnd(t *testing.T) {
	t.Parallel()
	s, h := serve(t, "127.0.0.1:0")
	h.Show("run", titled("a"), nil)
	leaving, leave := context.WithCancel(t.Context())
	gone := events(t, leaving, s)
	stays := events(t, t.Context(), s)
	for _, viewer := range []<-chan string{gone, stays} {
		if got := <-viewer; got != "whole" {
			t.Fatalf("the first event is %q, want whole", got)
		}
	}
	leave()
	h.Show("run", titled("b"), titled("b"))
	if got := <-stays; got != "more" {
		t.Errorf("after another viewer left the event is %q, want more", got)
	}
	s.Close()
	if got := <-stays; got != "end" {
		t.Errorf("the last event is %q, want end", got)
	}
	if got, more := <-stays; more {
		t.Errorf("after the end came %q", got)
	}
	if _, err := http.Get(s.URL()); err == nil {
		t.Error("the server still answers")
	}
}

// There is a bound of viewers, and places become free again.
func TestThereIsABoundOfViewers(t *testing.T) {
	t.Parallel()
	s, h := serve(t, "127.0.0.1:0")
	defer s.Close()
	h.Show("run", titled("a"), nil)
	ctx, leave := context.WithCancel(t.Context())
	for range 32 {
		<-events(t, ctx, s)
	}
	if got := ask(t, s, "/events", "127.0.0.1").StatusCode; got != http.StatusServiceUnavailable {
		t.Errorf("GET /events of one too many = %d, want 503", got)
	}
	leave()
	for deadline := time.Now().Add(20 * time.Second); ; {
		answer := ask(t, s, "/events", "127.0.0.1")
		if answer.StatusCode == http.StatusOK {
			answer.Body.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no place became free")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
