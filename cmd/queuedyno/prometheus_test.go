//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/privateserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// prometheus is a Prometheus that scrapes one address.
type prometheus struct{ url string }

// startPrometheus starts the Prometheus of this system. With native it takes native
// histograms, otherwise classic ones.
func startPrometheus(t *testing.T, target string, native bool) *prometheus {
	t.Helper()
	said, err := exec.Command("prometheus", "--version").CombinedOutput()
	version := regexp.MustCompile(`version (\d+)\.(\d+)`).FindStringSubmatch(string(said))
	if err != nil || version == nil {
		redistest.Missing(t, "prometheus", errors.Join(err, fmt.Errorf("prometheus --version: %q", said)))
	}
	major, _ := strconv.Atoi(version[1]) // they are digits
	minor, _ := strconv.Atoi(version[2])
	dir := t.TempDir()
	config := "global: {scrape_interval: 2s, scrape_timeout: 2s}\nscrape_configs:\n" +
		"  - job_name: queuedyno\n    static_configs: [{targets: [\"" + target + "\"]}]\n"
	args := []string{"--config.file=" + filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--log.level=error"}
	switch {
	case native && (major > 3 || major == 3 && minor >= 8):
		config += "    scrape_native_histograms: true\n"
	case native:
		args = append(args, "--enable-feature=native-histograms")
	}
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o666); err != nil {
		t.Fatal(err)
	}
	for range 3 { // another process may be faster to take the port
		port, err := privateserver.FreePort(65535)
		if err != nil {
			t.Fatal(err)
		}
		p := &prometheus{url: fmt.Sprintf("http://127.0.0.1:%d", port)}
		if p.start(t, append(args, fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port))) {
			return p
		}
	}
	t.Fatal("prometheus does not start")
	return nil
}

// start starts the process and waits until it answers. It reports false when the process
// ended before.
func (p *prometheus) start(t *testing.T, args []string) bool {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "prometheus", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { stop(); <-ended })
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if answer, err := http.Get(p.url + "/-/ready"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-ended:
			t.Logf("prometheus ended: %s", said.String())
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("prometheus is not ready: %s", said.String())
	return false
}

// sample is one element of an answer.
type sample struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
}

func (s sample) value(t *testing.T) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(fmt.Sprint(s.Value[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// query is the answer to a query at a moment, now when it is 0.
func (p *prometheus) query(t *testing.T, query string, at float64) []sample {
	t.Helper()
	form := url.Values{"query": {query}}
	if at > 0 {
		form.Set("time", strconv.FormatFloat(at, 'f', 3, 64))
	}
	var data struct {
		Result []sample `json:"result"`
	}
	p.get(t, "/api/v1/query?"+form.Encode(), &data)
	return data.Result
}

func (p *prometheus) get(t *testing.T, path string, data any) {
	t.Helper()
	answer, err := http.Get(p.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	if body.Status != "success" {
		t.Fatalf("%s: %s", path, body.Error)
	}
	if err := json.Unmarshal(body.Data, data); err != nil {
		t.Fatal(err)
	}
}

// await repeats a query until its first value is at least so high.
func (p *prometheus) await(t *testing.T, query string, least float64) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if got := p.query(t, query, 0); len(got) > 0 && got[0].value(t) >= least {
			return
		}
	}
	t.Fatalf("%s did not become %g in a minute", query, least)
}

// by are the values of a query at a moment by one of its labels.
func (p *prometheus) by(t *testing.T, label, query string, at float64) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for _, s := range p.query(t, query, at) {
		all[s.Metric[label]] = s.value(t)
	}
	return all
}
