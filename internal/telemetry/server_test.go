package telemetry_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/telemetry"
)

func TestAnAddressWithoutAHostIsTheLoopback(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		":9464": "127.0.0.1:9464", "9464": "127.0.0.1:9464", "localhost:0": "localhost:0",
		"0.0.0.0:9464": "0.0.0.0:9464", "[::1]:9464": "[::1]:9464", "[::]:1": "[::]:1",
	} {
		if got, err := telemetry.ParseAddress(text); err != nil || got != want {
			t.Errorf("ParseAddress(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	for text, says := range map[string]string{
		"": "HOST:PORT", "localhost": "HOST:PORT", "::1": "HOST:PORT", "host:http": "from 0 to 65535", ":65536": "from 0 to 65535",
		"99999": "from 0 to 65535", "*:9464": "0.0.0.0", "http://host:1": "HOST:PORT", "a/b:1": "is not a host", ":-1": "from 0 to 65535",
	} {
		if got, err := telemetry.ParseAddress(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("ParseAddress(%q) = %q, %v, want an error that says %q", text, got, err, says)
		}
	}
}

func TestAPortInUseIsRefused(t *testing.T) {
	t.Parallel()
	first := serve(t, telemetry.New())
	if !first.Local() {
		t.Errorf("%s is not local", first.Address())
	}
	second, err := telemetry.New().Serve(first.Address())
	if err == nil {
		second.Close()
		t.Fatal("two servers have the same port")
	}
	if !strings.HasPrefix(err.Error(), "serve metrics: listen tcp "+first.Address()) {
		t.Errorf("the error is %q", err)
	}
}

func TestTheFirstPageLinksToTheMetricsAndThereIsNoOther(t *testing.T) {
	t.Parallel()
	s := serve(t, telemetry.New())
	if answer, body := get(t, s, "/", ""); answer.StatusCode != http.StatusOK || !strings.Contains(string(body), `href="/metrics"`) {
		t.Errorf("/: %s\n%s", answer.Status, body)
	}
	if answer, _ := get(t, s, "/debug/pprof/", ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("/debug/pprof/: %s", answer.Status)
	}
	answer, err := http.Post("http://"+s.Address()+"/metrics", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /metrics: %s", answer.Status)
	}
}

func TestAWaitForTheLastReaderEndsWithIt(t *testing.T) {
	t.Parallel()
	s := serve(t, telemetry.New())
	get(t, s, "/metrics", "") // before the wait: does not count
	read := make(chan bool)
	go func() { read <- s.Linger(context.Background(), time.Minute, func() {}) }()
	for {
		get(t, s, "/", "") // does not count either
		get(t, s, "/metrics", "")
		select {
		case last := <-read:
			if !last {
				t.Error("the metrics were not read, it says")
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}

func TestAWaitForAReaderThatDoesNotComeEnds(t *testing.T) {
	t.Parallel()
	s := serve(t, telemetry.New())
	get(t, s, "/metrics", "")
	if s.Linger(t.Context(), time.Millisecond, func() {}) {
		t.Error("the metrics were read, it says")
	}
	s = serve(t, telemetry.New())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s.Linger(ctx, time.Hour, func() {}) {
		t.Error("the metrics were read, it says")
	}
}
