package telemetry_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/servertest"
	"github.com/queuedyno/queuedyno/internal/telemetry"
	"github.com/queuedyno/queuedyno/result"
)

const protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

// serve serves the metrics of m at a free port until the end of the test.
func serve(t *testing.T, m *telemetry.Metrics) *telemetry.Server {
	t.Helper()
	s, err := m.Serve("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// get is the answer to a request.
func get(t *testing.T, s *telemetry.Server, path, accept string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Address()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, body
}

// scraped are our metrics as a scraper reads them, by name.
func scraped(t *testing.T, s *telemetry.Server) map[string]*dto.MetricFamily {
	t.Helper()
	answer, body := get(t, s, "/metrics", protobuf)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("status %s: %s", answer.Status, body)
	}
	families := map[string]*dto.MetricFamily{}
	decoder := expfmt.NewDecoder(bytes.NewReader(body), expfmt.ResponseFormat(answer.Header))
	for {
		f := &dto.MetricFamily{}
		if err := decoder.Decode(f); errors.Is(err, io.EOF) {
			return families
		} else if err != nil {
			t.Fatal(err)
		}
		families[f.GetName()] = f
	}
}

// values are the values of a metric by the label of that name, of one scenario.
func values(f *dto.MetricFamily, scenario, label string) map[string]float64 {
	all := map[string]float64{}
	for _, m := range f.GetMetric() {
		labels := map[string]string{}
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		if labels["scenario"] == scenario {
			all[labels[label]] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

// example are metrics of a run that goes on.
func example() (*telemetry.Metrics, *telemetry.Source) {
	m := telemetry.New()
	s := m.Add("steady", metric.Queue, metric.EndToEnd)
	var t ledger.Totals
	t[ledger.Sent], t[ledger.Notified], t[ledger.Refused] = 20, 15, 2
	s.Counted(t)
	backlog := int64(3)
	s.Backlog(&backlog)
	s.Offered(12.5)
	h := latency.New()
	for i := range int64(15) {
		h.Record(i * 1_000_000)
	}
	s.Interval(latency.Interval{Stage: metric.EndToEnd, Histogram: h})
	return m, s
}

func TestARunThatGoesOnShowsWhatIsKnownByThen(t *testing.T) {
	t.Parallel()
	m, s := example()
	h := latency.New()
	h.Record(1)
	s.Interval(latency.Interval{Stage: metric.EndToEnd, Histogram: h}) // the next interval
	got := scraped(t, serve(t, m))
	if diff := cmp.Diff(map[string]float64{"queue": 0, "end_to_end": 16}, values(got["queuedyno_stage_seconds"], "steady", "stage")); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
	events := values(got["queuedyno_jobs_total"], "steady", "event")
	if len(events) != len(ledger.Rows()) || events["sent"] != 20 || events["notified"] != 15 {
		t.Errorf("events %v", events)
	}
	lost := values(got["queuedyno_lost_jobs_total"], "steady", "leg")
	if lost["refused"] != 2 || lost["in_queue"] != 0 || !slices.Contains(slices.Collect(maps.Keys(lost)), "in_queue") {
		t.Errorf("lost %v", lost)
	}
	if diff := cmp.Diff(map[string]float64{"": 3}, values(got["queuedyno_backlog_jobs"], "steady", "")); diff != "" {
		t.Errorf("backlog (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{"": 12.5}, values(got["queuedyno_offered_jobs_per_second"], "steady", "")); diff != "" {
		t.Errorf("offered (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]float64{"valid": 0, "suspect": 0, "invalid": 0}, values(got["queuedyno_validity"], "steady", "verdict")); diff != "" {
		t.Errorf("validity (-want +got):\n%s", diff)
	}
	if got["go_goroutines"] == nil || got["process_cpu_seconds_total"] == nil && runtime.GOOS == "linux" {
		t.Error("the metrics of the process are missing")
	}
}

func TestTheFinalFiguresAreThoseOfTheResult(t *testing.T) {
	t.Parallel()
	m, s := example()
	r := &result.Result{Validity: result.Validity{Verdict: result.Suspect}, Ledger: result.Ledger{
		Scheduled: 21, Sent: 20, Acked: 18, Popped: 17, Finished: 17, Published: 16, Notified: 16, Lost: 5,
		LostByLeg: map[result.Leg]int64{ledger.LegRefused: 2, ledger.LegUnsent: 1, ledger.LegUnstored: 2}, Failed: 4, Errors: map[string]int64{"push": 2, "pop": 1},
	}}
	s.Ended(r)
	h := latency.New()
	h.Record(1)
	s.Interval(latency.Interval{Stage: metric.EndToEnd, Histogram: h}) // is ignored
	got := scraped(t, serve(t, m))
	events := values(got["queuedyno_jobs_total"], "steady", "event")
	for _, row := range ledger.Rows() {
		if want := float64(r.Ledger.Count(row.Key)); events[row.Key] != want {
			t.Errorf("%s = %g, want %g", row.Key, events[row.Key], want)
		}
	}
	lost := values(got["queuedyno_lost_jobs_total"], "steady", "leg")
	for leg, want := range r.Ledger.LostByLeg {
		if lost[string(leg)] != float64(want) {
			t.Errorf("lost on %s = %g, want %d", leg, lost[string(leg)], want)
		}
	}
	if diff := cmp.Diff(map[string]float64{"valid": 0, "suspect": 1, "invalid": 0}, values(got["queuedyno_validity"], "steady", "verdict")); diff != "" {
		t.Errorf("validity (-want +got):\n%s", diff)
	}
	if n := values(got["queuedyno_stage_seconds"], "steady", "stage")["end_to_end"]; n != 15 {
		t.Errorf("%g jobs in end_to_end, want 15", n)
	}
	if perS := values(got["queuedyno_offered_jobs_per_second"], "steady", "")[""]; perS != 0 {
		t.Errorf("%g jobs/s are offered after the end", perS)
	}
}

func TestEachScenarioHasItsFiguresAndOneThatComesAgainBeginsAtZero(t *testing.T) {
	t.Parallel()
	m, _ := example()
	m.Add("other").Count(ledger.Sent, 7)
	server := serve(t, m)
	got := scraped(t, server)["queuedyno_jobs_total"]
	if a, b := values(got, "steady", "event")["sent"], values(got, "other", "event")["sent"]; a != 20 || b != 7 {
		t.Errorf("sent: %g and %g, want 20 and 7", a, b)
	}
	m.Add("steady").Count(ledger.Sent, 1)
	if n := values(scraped(t, server)["queuedyno_jobs_total"], "steady", "event")["sent"]; n != 1 {
		t.Errorf("sent: %g after a second beginning, want 1", n)
	}
}

func TestFiguresThatAreKeptElsewhereAreFetchedForEachScrape(t *testing.T) {
	t.Parallel()
	m := telemetry.New()
	s, n := m.Add("worker"), int64(0)
	s.Refresh(func() { n++; s.Count(ledger.Finished, n) })
	server := serve(t, m)
	for want := range 3 {
		if got := values(scraped(t, server)["queuedyno_jobs_total"], "worker", "event")["finished"]; got != float64(want+1) {
			t.Errorf("finished = %g, want %d", got, want+1)
		}
	}
}

func TestAnyNameOfAScenarioIsALabel(t *testing.T) {
	t.Parallel()
	m := telemetry.New()
	for given, want := range map[string]string{"<b>\"x\"\\\n😀{}": "<b>\"x\"\\\n😀{}", "broken \xff": "broken \uFFFD"} {
		m.Add(given).Count(ledger.Sent, 1)
		for _, accept := range []string{protobuf, "text/plain", "application/openmetrics-text"} {
			if answer, body := get(t, serve(t, m), "/metrics", accept); answer.StatusCode != http.StatusOK {
				t.Errorf("%q as %s: %s: %s", given, accept, answer.Status, body)
			}
		}
		if n := values(scraped(t, serve(t, m))["queuedyno_jobs_total"], want, "event")["sent"]; n != 1 {
			t.Errorf("%q: sent = %g, want 1", given, n)
		}
	}
}

func TestNativeHistogramsAreServedWithTheirClassicBuckets(t *testing.T) {
	t.Parallel()
	m, _ := example()
	server := serve(t, m)
	for _, one := range scraped(t, server)["queuedyno_stage_seconds"].GetMetric() {
		h := one.GetHistogram()
		if h.GetSchema() != 5 || h.GetZeroThreshold() <= 0 || h.GetSampleCount() > 0 && len(h.GetPositiveSpan()) == 0 || len(h.GetBucket()) < 25 {
			t.Errorf("%v: schema %d, %d spans, %d classic buckets", one.GetLabel(), h.GetSchema(), len(h.GetPositiveSpan()), len(h.GetBucket()))
		}
		if began := h.GetCreatedTimestamp().AsTime(); time.Since(began) > time.Hour {
			t.Errorf("it began at %s", began)
		}
	}
	_, text := get(t, server, "/metrics", "text/plain")
	want := `queuedyno_stage_seconds_bucket{scenario="steady",stage="end_to_end",le="0.01"} 10`
	if !strings.Contains(string(text), want+"\n") {
		t.Errorf("the text has no %s", want)
	}
}

// The rules of promtool are those that Prometheus recommends for names and help.
func TestPromtoolAcceptsTheMetrics(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("promtool"); err != nil {
		servertest.Missing(t, "prometheus", err)
	}
	m, _ := example()
	_, text := get(t, serve(t, m), "/metrics", "text/plain")
	check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	check.Stdin = bytes.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

func TestTheDocumentedMetricsAreThoseThatThereAre(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(queuedyno_[a-z_]+)` \\| ([a-z]+) \\| ([^|]*) \\|").FindAllStringSubmatch(string(doc), -1) {
		documented[row[1]] = row[2] + " " + strings.NewReplacer("`", "", ",", "").Replace(row[3])
	}
	m, s := example()
	s.Ended(&result.Result{})
	there := map[string]string{}
	for name, f := range scraped(t, serve(t, m)) {
		if !strings.HasPrefix(name, "queuedyno_") {
			continue
		}
		there[name] = strings.ToLower(f.GetType().String())
		for _, label := range f.GetMetric()[0].GetLabel() {
			there[name] += " " + label.GetName()
		}
	}
	if diff := cmp.Diff(there, documented); diff != "" {
		t.Errorf("docs/metrics.md (-metrics +doc):\n%s", diff)
	}
	for _, row := range ledger.Rows() {
		if !strings.Contains(string(doc), "`"+row.Key+"`") {
			t.Errorf("docs/metrics.md does not name the event %s", row.Key)
		}
	}
}
