package telemetry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/go-logr/logr"
	bridge "go.opentelemetry.io/contrib/bridges/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
)

// Exported reports whether the standard variables ask for an export by OTLP: one of them
// names an endpoint, and none turns the export of metrics off.
func Exported(getenv func(string) string) bool {
	if off, err := strconv.ParseBool(getenv("OTEL_SDK_DISABLED")); err == nil && off {
		return false
	}
	return cmp.Or(getenv("OTEL_METRICS_EXPORTER"), "otlp") == "otlp" &&
		cmp.Or(getenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"), getenv("OTEL_EXPORTER_OTLP_ENDPOINT")) != ""
}

// Export is an export by OTLP that goes on: every minute, or as often as
// OTEL_METRIC_EXPORT_INTERVAL says, and once more at its end. Its errors are kept until
// then.
type Export struct {
	provider *metric.MeterProvider
	exporter *exporter
}

// lastExport is how long the last export may take.
const lastExport = 5 * time.Second

// Export begins to export the metrics as the standard variables say. OpenTelemetry
// reads most of them from the environment of the process. version is that of this
// program. It connects to nothing before the first export is due. The caller closes the
// export. There is at most one in a process.
func (m *Metrics) Export(getenv func(string) string, version string) (*Export, error) {
	if err := checkEndpoint(getenv); err != nil {
		return nil, fmt.Errorf("export metrics by OTLP: %w", err)
	}
	// What OpenTelemetry has to say goes to standard error otherwise, in the middle of a
	// run.
	e := &Export{exporter: &exporter{}}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(e.exporter.note))
	otel.SetLogger(logr.New(sink{e.exporter}))
	ctx := context.Background()
	var err error
	switch protocol := cmp.Or(getenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"), getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf"); protocol {
	case "http/protobuf":
		e.exporter.Exporter, err = otlpmetrichttp.New(ctx)
	case "grpc":
		e.exporter.Exporter, err = otlpmetricgrpc.New(ctx)
	default:
		err = fmt.Errorf("protocol %q: there are http/protobuf and grpc", protocol)
	}
	if err != nil {
		return nil, fmt.Errorf("export metrics by OTLP: %w", withoutURL(err))
	}
	// Later attributes win: those of the user.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "queuedyno"), attribute.String("service.version", version)),
		resource.WithFromEnv())
	if err != nil { // a mistake in OTEL_RESOURCE_ATTRIBUTES; the rest is there
		e.exporter.note(err)
	}
	e.provider = metric.NewMeterProvider(metric.WithResource(about), metric.WithReader(
		metric.NewPeriodicReader(e.exporter, metric.WithProducer(bridge.NewMetricProducer(bridge.WithGatherer(m.registry))))))
	return e, nil
}

// checkEndpoint reports an endpoint that is not a URL. The error does not show it: it may
// hold a secret.
func checkEndpoint(getenv func(string) string) error {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"} {
		text := getenv(name)
		if text == "" {
			continue
		}
		if u, err := url.Parse(text); err != nil || u.Scheme != "unix" && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("%s is not a URL like http://127.0.0.1:4318", name)
		}
		return nil // the first one counts
	}
	return nil
}

// Close exports the metrics as they are now, for at most five seconds, and ends the
// export. Its error says how many exports failed, and why the first one did.
func (e *Export) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), lastExport)
	defer cancel()
	if err := e.provider.Shutdown(ctx); err != nil {
		e.exporter.note(err)
	}
	return e.exporter.failure()
}

// exporter is an exporter whose errors are kept, and not passed on.
type exporter struct {
	metric.Exporter

	mu          sync.Mutex // guards what follows
	all, failed int
	first       error
}

func (e *exporter) Export(ctx context.Context, what *metricdata.ResourceMetrics) error {
	err := e.Exporter.Export(ctx, what)
	e.mu.Lock()
	e.all++
	if err != nil {
		e.failed++
	}
	e.mu.Unlock()
	if err != nil {
		e.note(err)
	}
	return nil
}

// note keeps the first error.
func (e *exporter) note(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.first == nil {
		e.first = err
	}
}

func (e *exporter) failure() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.first == nil:
		return nil
	case e.failed == 0:
		return fmt.Errorf("export metrics by OTLP: %w", withoutURL(e.first))
	}
	return fmt.Errorf("export metrics by OTLP: %d of %d exports failed: %w", e.failed, e.all, withoutURL(e.first))
}

// sink keeps what OpenTelemetry logs as an error, without values, which may be secrets.
type sink struct{ e *exporter }

var _ logr.LogSink = sink{}

func (sink) Init(logr.RuntimeInfo)                     {}
func (sink) Enabled(int) bool                          { return false }
func (sink) Info(int, string, ...any)                  {}
func (s sink) Error(_ error, message string, _ ...any) { s.e.note(errors.New(message)) }
func (s sink) WithValues(...any) logr.LogSink          { return s }
func (s sink) WithName(string) logr.LogSink            { return s }

// withoutURL is the error with no more of a URL than its host: the rest may hold a secret.
func withoutURL(err error) error {
	if of := new(url.Error); errors.As(err, &of) {
		err = of.Err
	}
	whole := regexp.MustCompile(`(https?://)(?:[^\s/@"]*@)?([^\s/?#"]+)[^\s"]*?(:?["\s]|:?$)`)
	return errors.New(whole.ReplaceAllString(err.Error(), "$1$2$3"))
}
