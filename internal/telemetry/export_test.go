package telemetry_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/telemetry"
)

// receiver is an OTLP receiver, over HTTP and gRPC, that keeps the last request.
type receiver struct {
	v1.UnimplementedMetricsServiceServer
	mu   sync.Mutex
	last *v1.ExportMetricsServiceRequest
}

func (r *receiver) Export(_ context.Context, what *v1.ExportMetricsServiceRequest) (*v1.ExportMetricsServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = what
	return &v1.ExportMetricsServiceResponse{}, nil
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	what := &v1.ExportMetricsServiceRequest{}
	if err != nil || request.URL.Path != "/v1/metrics" || proto.Unmarshal(body, what) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	answer, _ := r.Export(request.Context(), what) // it has no error
	body, _ = proto.Marshal(answer)
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(body)
}

// received are the metrics of the last request by name, and the attributes of their
// resource.
func (r *receiver) received(t *testing.T) (map[string]*metrics.Metric, map[string]string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		t.Fatal("nothing was exported")
	}
	all, about := map[string]*metrics.Metric{}, map[string]string{}
	for _, resource := range r.last.ResourceMetrics {
		about = attributes(resource.Resource.Attributes)
		for _, scope := range resource.ScopeMetrics {
			for _, m := range scope.Metrics {
				all[m.Name] = m
			}
		}
	}
	return all, about
}

func attributes(all []*common.KeyValue) map[string]string {
	m := map[string]string{}
	for _, one := range all {
		m[one.Key] = one.Value.GetStringValue()
	}
	return m
}

// check compares what was received with the metrics of example.
func (r *receiver) check(t *testing.T) {
	t.Helper()
	got, about := r.received(t)
	if about["service.name"] != "bench" || about["team"] != "blue" || about["service.version"] != "v1" {
		t.Errorf("the resource is %v", about)
	}
	events := map[string]float64{}
	for _, p := range got["queuedyno_jobs_total"].GetSum().GetDataPoints() {
		if a := attributes(p.Attributes); a["scenario"] == "steady" {
			events[a["event"]] = p.GetAsDouble()
		}
	}
	if len(events) != len(ledger.Rows()) || events["sent"] != 20 || events["notified"] != 15 {
		t.Errorf("events %v", events)
	}
	if sum := got["queuedyno_jobs_total"].GetSum(); !sum.GetIsMonotonic() || sum.GetAggregationTemporality() != metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE {
		t.Errorf("the sum is %v", sum)
	}
	n := 0
	for _, p := range got["queuedyno_stage_seconds"].GetExponentialHistogram().GetDataPoints() {
		if attributes(p.Attributes)["stage"] != "end_to_end" {
			continue
		}
		n++
		held := p.ZeroCount
		for _, bucket := range p.Positive.BucketCounts {
			held += bucket
		}
		// example records 0 to 14 ms.
		if p.Count != 15 || held != 15 || p.GetSum() < 0.1049 || p.GetSum() > 0.1051 || p.Scale != 5 || p.ZeroCount != 1 {
			t.Errorf("end_to_end: %v", p)
		}
	}
	if n != 1 {
		t.Errorf("%d histograms of end_to_end", n)
	}
	if got["queuedyno_validity"] == nil || got["go_goroutines"] == nil {
		t.Error("the validity or the process are missing")
	}
}

// environ sets the variables of OpenTelemetry and returns their getenv.
func environ(t *testing.T, variables map[string]string) func(string) string {
	for name, value := range variables {
		t.Setenv(name, value)
	}
	return func(name string) string { return variables[name] }
}

func TestTheCollectorGetsTheSameCountsOverHTTP(t *testing.T) {
	r := &receiver{}
	server := httptest.NewServer(r)
	defer server.Close()
	m, _ := example()
	e, err := m.Export(environ(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL, "OTEL_SERVICE_NAME": "bench", "OTEL_RESOURCE_ATTRIBUTES": "team=blue",
	}), "v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	r.check(t)
}

func TestTheCollectorGetsTheSameCountsOverGRPC(t *testing.T) {
	r := &receiver{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	v1.RegisterMetricsServiceServer(server, r)
	ended := make(chan error)
	go func() { ended <- server.Serve(listener) }()
	defer func() { server.Stop(); <-ended }()
	m, _ := example()
	e, err := m.Export(environ(t, map[string]string{
		"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://" + listener.Addr().String(), "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc",
		"OTEL_SERVICE_NAME": "bench", "OTEL_RESOURCE_ATTRIBUTES": "team=blue",
	}), "v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	r.check(t)
}

func TestWhatACollectorRefusesIsReportedOnceAndWithoutTheSecretsOfItsURL(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for name, endpoint := range map[string]string{"refused": server.URL, "not there": "http://127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			m, _ := example()
			e, err := m.Export(environ(t, map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": endpoint + "/geheim?token=geheim", "OTEL_EXPORTER_OTLP_HEADERS": "authorization=geheim"}), "v1")
			if err != nil {
				t.Fatal(err)
			}
			err = e.Close()
			if err == nil || !strings.HasPrefix(err.Error(), "export metrics by OTLP: 1 of 1 exports failed: ") || strings.Contains(err.Error(), "geheim") {
				t.Errorf("Close = %v", err)
			}
		})
	}
}

func TestAMistakeInTheVariablesIsReportedWithoutItsValue(t *testing.T) {
	for _, endpoint := range []string{"geheim:4318", "http:///geheim", "http://[geheim", "ftp://geheim"} {
		if _, err := telemetry.New().Export(environ(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}), "v1"); err == nil ||
			err.Error() != "export metrics by OTLP: OTEL_EXPORTER_OTLP_ENDPOINT is not a URL like http://127.0.0.1:4318" {
			t.Errorf("with the endpoint %q: %v", endpoint, err)
		}
	}
	server := httptest.NewServer(&receiver{})
	defer server.Close()
	m, _ := example()
	e, err := m.Export(environ(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": server.URL, "OTEL_EXPORTER_OTLP_HEADERS": "geheim"}), "v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("Close = %v, want an error about the headers", err)
	}
}

func TestAnUnknownProtocolIsNamed(t *testing.T) {
	_, err := telemetry.New().Export(environ(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}), "v1")
	if err == nil || err.Error() != `export metrics by OTLP: protocol "http/json": there are http/protobuf and grpc` {
		t.Errorf("Export = %v", err)
	}
}

func TestOnlyTheStandardVariablesTurnTheExportOn(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]bool{
		"": false, "OTEL_SERVICE_NAME=x": false, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc": false,
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://a":                              true,
		"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://a":                      true,
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://a":                       false,
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://a OTEL_METRICS_EXPORTER=none":   false,
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://a OTEL_METRICS_EXPORTER=otlp":   true,
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://a OTEL_SDK_DISABLED=true":       false,
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://a OTEL_SDK_DISABLED=false":      true,
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://a OTEL_METRICS_EXPORTER=stdout": false,
	} {
		variables := map[string]string{}
		for _, one := range strings.Fields(set) {
			name, value, _ := strings.Cut(one, "=")
			variables[name] = value
		}
		if got := telemetry.Exported(func(name string) string { return variables[name] }); got != want {
			t.Errorf("with %q exported is %t", set, got)
		}
	}
}
