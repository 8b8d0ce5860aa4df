//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

// address is where the command serves its metrics, by what it says of it.
func (c *command) address(t *testing.T) string {
	t.Helper()
	c.await(t, "metrics at http://")
	_, rest, _ := strings.Cut(c.said[len(c.said)-1], "metrics at http://")
	address, _, _ := strings.Cut(rest, "/")
	return address
}

func TestPrometheusReadsFromARunWhatItsResultSays(t *testing.T) {
	t.Parallel()
	for name, native := range map[string]bool{"native": true, "classic": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, "run", "quick", "-u", "embedded", "-r", "400/s", "--warmup", "1s", "--name", "r", "--metrics", "127.0.0.1:0", "--metrics-linger", "1m")
			p := startPrometheus(t, c.address(t), native)
			// Enough jobs for a p99, and enough samples for a rate.
			p.await(t, `queuedyno_jobs_total{event="notified"}`, 2000)
			p.await(t, `min(count_over_time(queuedyno_jobs_total[1m]))`, 5)
			p.hasEveryPanel(t)
			c.signal(t, os.Interrupt)
			if got := c.end(t); got != problem.Interrupted {
				t.Fatalf("exit code %d, want %d; stderr:\n%s", got, problem.Interrupted, strings.Join(c.said, "\n"))
			}
			if said := strings.Join(c.said, "\n"); !strings.Contains(said, "waiting up to 1m0s for the metrics to be read once more") || strings.Contains(said, "were not read") {
				t.Errorf("stderr:\n%s", said)
			}
			r, err := store.LoadAs[*result.Result](filepath.Join(c.dir, "results", "r"))
			if err != nil {
				t.Fatal(err)
			}
			p.await(t, "1 - up", 1) // what it read before is stored by then
			p.agrees(t, r, native)
		})
	}
}

// hasEveryPanel runs every query of the dashboard.
func (p *prometheus) hasEveryPanel(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/grafana/dashboards/queuedyno.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct {
				Name  string
				Query any
			}
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			n++
			query := strings.NewReplacer("$scenario", ".*", "$__rate_interval", "20s").Replace(target.Expr)
			if strings.Contains(query, "$") {
				t.Errorf("%s: an unknown variable in %s", panel.Title, query)
			}
			// A scrape that took too long leaves a gap until the next one.
			has := func() bool {
				return slices.ContainsFunc(p.query(t, query, 0), func(s sample) bool { return !math.IsNaN(s.value(t)) })
			}
			for until := time.Now().Add(time.Minute); !has(); time.Sleep(100 * time.Millisecond) {
				if time.Now().After(until) {
					t.Errorf("%s: no data for %s", panel.Title, query)
					break
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("%d queries", n)
	}
	for _, v := range dashboard.Templating.List {
		query, _ := v.Query.(map[string]any)
		found := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`).FindStringSubmatch(fmt.Sprint(query["query"]))
		if v.Name != "scenario" {
			continue
		}
		var names []string
		p.get(t, "/api/v1/label/"+found[2]+"/values?"+url.Values{"match[]": {found[1]}}.Encode(), &names)
		if !slices.Equal(names, []string{"quick"}) {
			t.Errorf("the scenarios are %q", names)
		}
	}
}

// agrees compares the last sample of everything with the result.
func (p *prometheus) agrees(t *testing.T, r *result.Result, native bool) {
	t.Helper()
	last := p.query(t, `max(max_over_time(timestamp(queuedyno_backlog_jobs)[10m:100ms]))`, 0)
	if len(last) != 1 {
		t.Fatalf("%d times of the last scrape", len(last))
	}
	at := last[0].value(t)
	events := p.by(t, "event", "queuedyno_jobs_total", at)
	for _, row := range ledger.Rows() {
		if got, want := events[row.Key], float64(r.Ledger.Count(row.Key)); got != want {
			t.Errorf("%s: %g in Prometheus, %g in the result", row.Key, got, want)
		}
	}
	legs := p.by(t, "leg", "queuedyno_lost_jobs_total", at)
	for leg, want := range r.Ledger.LostByLeg {
		if got, there := legs[string(leg)]; !there || got != float64(want) {
			t.Errorf("lost on %s: %g in Prometheus, %d in the result", leg, got, want)
		}
	}
	verdicts := p.by(t, "verdict", "queuedyno_validity", at)
	if len(verdicts) != 3 {
		t.Errorf("verdicts %v", verdicts)
	}
	for verdict, v := range verdicts {
		if (v == 1) != (verdict == r.Validity.Verdict) {
			t.Errorf("validity %s = %g, the result is %s", verdict, v, r.Validity.Verdict)
		}
	}
	counts, p99 := "queuedyno_stage_seconds_count", "histogram_quantile(0.99, queuedyno_stage_seconds_bucket)"
	if native {
		counts, p99 = "histogram_count(queuedyno_stage_seconds)", "histogram_quantile(0.99, queuedyno_stage_seconds)"
	}
	n, quantiles := p.by(t, "stage", counts, at), p.by(t, "stage", p99, at)
	for stage, s := range r.Stages {
		if got := n[string(stage)]; got != float64(s.Count) {
			t.Errorf("%s: %g jobs in Prometheus, %d in the result", stage, got, s.Count)
		}
		if s.P99NS == nil {
			t.Errorf("%s has no p99 of %d jobs", stage, s.Count)
			continue
		}
		want, got := float64(*s.P99NS)/1e9, quantiles[string(stage)]
		low, high := want/1.0225, want*1.0225 // the width of a native bucket
		if !native {
			low, high = p.bucket(t, string(stage), want, at)
		}
		if math.IsNaN(got) || got < low || got > high {
			t.Errorf("p99 of %s: %g s in Prometheus, want %g to %g s; %g in the result", stage, got, low, high, want)
		}
	}
}

// bucket is the classic bucket that holds a value.
func (p *prometheus) bucket(t *testing.T, stage string, v, at float64) (low, high float64) {
	t.Helper()
	high = math.Inf(1)
	for le := range p.by(t, "le", `queuedyno_stage_seconds_bucket{stage="`+stage+`"}`, at) {
		bound, err := strconv.ParseFloat(le, 64)
		if err != nil {
			t.Fatal(err)
		}
		if bound < v {
			low = max(low, bound)
		} else {
			high = min(high, bound)
		}
	}
	return low, high
}

func TestAMetricsPortInUseIsRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := start(t, "run", "quick", "-u", "embedded", "--name", "r", "--metrics", l.Addr().String())
	if got := c.end(t); got != problem.CouldNotRun {
		t.Errorf("exit code %d, want %d", got, problem.CouldNotRun)
	}
	said := strings.Join(c.said, "\n")
	for _, want := range []string{"queuedyno: run: serve metrics: listen tcp " + l.Addr().String(), "hint: choose another address with --metrics; port 0 is any free port"} {
		if !strings.Contains(said, want) {
			t.Errorf("stderr does not say %q:\n%s", want, said)
		}
	}
	if _, err := os.Stat(filepath.Join(c.dir, "results")); err == nil {
		t.Error("a result directory was made")
	}
}

func TestAWorkerAndAWatchServeTheirMetrics(t *testing.T) {
	t.Parallel()
	url, client, s := queueFor(t)
	watch := start(t, "watch", "-u", url, "--metrics", "127.0.0.1:0", "--json")
	watched := watch.address(t)
	awaitMetric(t, watched, `queuedyno_backlog_jobs{scenario="watch"} 0`) // it has subscribed
	c := start(t, "worker", "-u", url, "-y", "2", "--running", "--work", "2ms", "--jobs", "20", "--metrics", ":0", "--metrics-linger", "1m")
	address := c.address(t)
	if !strings.HasPrefix(address, "127.0.0.1:") || !strings.HasSuffix(c.said[len(c.said)-1], "(this machine only; --metrics 0.0.0.0:PORT for others)") {
		t.Errorf("said %q", c.said[len(c.said)-1])
	}
	for i := range 20 {
		if err := client.Push(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	receiveUpdates(t, s, 40)
	c.await(t, "waiting up to 1m0s for the metrics")
	text := scrape(t, address)
	for _, want := range []string{
		`queuedyno_jobs_total{event="finished",scenario="worker"} 20`, `queuedyno_jobs_total{event="published",scenario="worker"} 20`,
		`queuedyno_jobs_total{event="failed",scenario="worker"} 0`, `queuedyno_stage_seconds_count{scenario="worker",stage="work"} 20`,
		`queuedyno_stage_seconds_bucket{scenario="worker",stage="work",le="0.001"} 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("the worker's metrics do not say %s:\n%s", want, text)
		}
	}
	if got := c.end(t); got != problem.OK {
		t.Errorf("the worker ended with %d: %s", got, strings.Join(c.said, "\n"))
	}
	text = awaitMetric(t, watched, `queuedyno_jobs_total{event="notified",scenario="watch"} 20`)
	for _, want := range []string{`queuedyno_backlog_jobs{scenario="watch"} 0`, `queuedyno_stage_seconds_count{scenario="watch",stage="work"} 20`, `queuedyno_stage_seconds_count{scenario="watch",stage="running"} 20`} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("the metrics of watch do not say %s:\n%s", want, text)
		}
	}
	watch.signal(t, os.Interrupt)
	watch.end(t)
}

// awaitMetric scrapes until a line is there, and returns the metrics with it.
func awaitMetric(t *testing.T, address, line string) string {
	t.Helper()
	text := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if text = scrape(t, address); strings.Contains(text, line+"\n") {
			return text
		}
	}
	t.Fatalf("no %s in a minute:\n%s", line, text)
	return ""
}

func scrape(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestACollectorGetsTheCountsOfTheResult(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	events := map[string]float64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		what := &collector.ExportMetricsServiceRequest{}
		if err := proto.Unmarshal(body, what); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, m := range what.ResourceMetrics[0].ScopeMetrics[0].Metrics {
			for _, p := range m.GetSum().GetDataPoints() {
				for _, a := range p.Attributes {
					if m.Name == "queuedyno_jobs_total" && a.Key == "event" {
						events[a.Value.GetStringValue()] = p.GetAsDouble()
					}
				}
			}
		}
	}))
	defer server.Close()
	c := startWith(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + server.URL}, "run", "quick", "-u", "embedded", "-r", "max", "-n", "500", "--warmup", "0s", "-d", "1m", "--name", "r", "--allow-invalid")
	if got := c.end(t); got != problem.OK {
		t.Errorf("exit code %d; stderr:\n%s", got, strings.Join(c.said, "\n"))
	}
	r, err := store.LoadAs[*result.Result](filepath.Join(c.dir, "results", "r"))
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if r.Ledger.Notified != 500 {
		t.Errorf("%d jobs were notified, want 500", r.Ledger.Notified)
	}
	for _, row := range ledger.Rows() {
		if got, want := events[row.Key], float64(r.Ledger.Count(row.Key)); got != want {
			t.Errorf("%s: the collector got %g, the result says %g", row.Key, got, want)
		}
	}
}

func TestACollectorThatIsNotThereIsNotedOnceAtTheEnd(t *testing.T) {
	t.Parallel()
	c := startWith(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_METRIC_EXPORT_INTERVAL=50"},
		"run", "quick", "-u", "embedded", "-r", "200/s", "-n", "200", "--warmup", "0s", "--name", "r", "--allow-invalid")
	if got := c.end(t); got != problem.OK {
		t.Errorf("exit code %d", got)
	}
	last, n := c.said[len(c.said)-1], 0
	for _, line := range c.said {
		if strings.Contains(line, "OTLP") || strings.Contains(line, "refused") {
			n++
		}
	}
	if n != 1 || !strings.HasPrefix(last, "queuedyno: run: export metrics by OTLP: ") || !strings.Contains(last, "refused") {
		t.Errorf("said %d times; stderr:\n%s", n, strings.Join(c.said, "\n"))
	}
}
