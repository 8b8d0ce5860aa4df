package render_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/result"
)

// encoders are all of them, by a name for the test.
func encoders() map[string]render.Encoder {
	return map[string]render.Encoder{
		"text":            render.Text(render.Options{}),
		"coloured text":   render.Text(render.Options{Color: true, Width: 120}),
		"markdown":        render.Markdown,
		"summary csv":     render.SummaryCSV,
		"timeline csv":    render.TimelineCSV,
		"json":            render.JSON,
		"hgrm":            render.HGRM(metric.EndToEnd),
		"percentiles svg": render.PercentilesSVG,
		"timeline svg":    render.TimelineSVG,
		"hlog":            render.WholeRun,
	}
}

func written(t testing.TB, e render.Encoder, r *result.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := e(&b, r); err != nil {
		t.Fatalf("encoder returned %v, want no error", err)
	}
	return b.String()
}

func TestNoEncoderPrintsWhatIsNoFigure(t *testing.T) {
	t.Parallel()
	for name, r := range rendertest.Results(t) {
		for format, e := range encoders() {
			got := written(t, e, r)
			// Base64 may hold any letters.
			if format == "hlog" || format == "json" {
				continue
			}
			for _, bad := range []string{"NaN", "Inf", "inf ", "<nil>", "%!", "null"} {
				if i := strings.Index(got, bad); i >= 0 {
					t.Errorf("%s of %s holds %q: …%s…", format, name, bad, got[max(0, i-60):min(len(got), i+60)])
				}
			}
		}
	}
}

func TestEveryReportSaysWhetherToBelieveIt(t *testing.T) {
	t.Parallel()
	r := rendertest.Lossy(t)
	for format, e := range encoders() {
		if format == "hlog" {
			continue // a format with no place for words
		}
		if got := written(t, e, r); !strings.Contains(strings.ToLower(got), "suspect") {
			t.Errorf("%s does not say that the run is suspect", format)
		}
	}
	for _, format := range []string{"text", "markdown", "json", "hgrm"} {
		got := strings.Join(strings.Fields(written(t, encoders()[format], r)), " ")
		for _, want := range []string{"the host was busy", "the run was short"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s leaves out %q", format, want)
			}
		}
	}
	for _, format := range []string{"percentiles svg", "timeline svg"} {
		if got := written(t, encoders()[format], r); !strings.Contains(got, "2 warnings") {
			t.Errorf("%s does not say that there are warnings", format)
		}
	}
}

func TestAReportSaysWhyAFigureIsMissing(t *testing.T) {
	t.Parallel()
	r := rendertest.Lossy(t)
	for _, format := range []string{"text", "markdown", "summary csv", "json"} {
		got := written(t, encoders()[format], r)
		for name, why := range r.Stages[metric.EndToEnd].Missing {
			reason := why.Words(name)
			switch {
			case format == "json":
				reason = fmt.Sprintf("%q", why.Code)
			case name == "p99.99" && format != "summary csv":
				continue // has no column
			}
			if !strings.Contains(got, reason) {
				t.Errorf("%s does not give the reason %q", format, reason)
			}
		}
	}
}

func TestEncodersLeaveTheResultAlone(t *testing.T) {
	t.Parallel()
	r, want := rendertest.Lossy(t), rendertest.Lossy(t)
	r.Ledger.Errors, want.Ledger.Errors = nil, nil
	for _, e := range encoders() {
		written(t, e, r)
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("the encoders changed the result (-want +got):\n%s", diff)
	}
}

func TestTheSameResultGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	for format, e := range encoders() {
		once, again := written(t, e, rendertest.Lossy(t)), written(t, e, rendertest.Lossy(t))
		if once != again {
			t.Errorf("%s differs between two renderings of the same result", format)
		}
	}
}

var errDisk = errors.New("disk full")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errDisk }

func TestEncodersPassOnWhatTheWriterSaid(t *testing.T) {
	t.Parallel()
	for format, e := range encoders() {
		if err := e(brokenWriter{}, rendertest.Steady(t)); !errors.Is(err, errDisk) {
			t.Errorf("%s to a full disk returned %v, want the writer's error", format, err)
		}
	}
}

func TestEveryListedFormatHasAnEncoder(t *testing.T) {
	t.Parallel()
	for _, d := range []render.Document{
		render.Of(rendertest.Steady(t)), render.Of(rendertest.Searched(t)), render.Of(rendertest.Compared(1)),
		render.Of(&compare.Calibration{}), render.Of(&study.Staffing{}),
	} {
		if got := d.Kind().Formats(); !slices.Equal(got, d.Formats()) || got[0] != "text" || !slices.Contains(got, "json") {
			t.Errorf("the formats of %s are %q and those of one %q, want the same with text and json", d.Kind().Words(), got, d.Formats())
		}
		for _, name := range d.Formats() {
			var b strings.Builder
			if err := d.Encode(&b, name, render.Options{}); err != nil || b.Len() == 0 {
				t.Errorf("format %q of %s returned %v and wrote %d bytes", name, d.Kind().Words(), err, b.Len())
			}
		}
		err := d.Encode(io.Discard, "xml", render.Options{})
		if err == nil || !strings.Contains(err.Error(), `"xml"`) || !strings.Contains(err.Error(), strings.Join(d.Formats(), ", ")) {
			t.Errorf("Encode(%q) returned %v, want an error with the name and the choices", "xml", err)
		}
	}
}

func TestEveryStageHasAMeaningThatNoOtherHas(t *testing.T) {
	t.Parallel()
	of := map[string]metric.Stage{"": ""}
	for _, stage := range metric.Stages() {
		if other, taken := of[render.Meaning(stage)]; taken {
			t.Errorf("%s means %q, as %q does", stage, render.Meaning(stage), other)
		}
		of[render.Meaning(stage)] = stage
	}
}

func TestStageOfFormatHGRMIsTheOneAskedFor(t *testing.T) {
	t.Parallel()
	for _, stage := range append(metric.Stages(), "") {
		e := render.HGRM(stage)
		want := stage
		if want == "" {
			want = metric.EndToEnd
		}
		if got := written(t, e, rendertest.Steady(t)); got != written(t, render.HGRM(want), rendertest.Steady(t)) {
			t.Errorf("hgrm of stage %q is not that of %q", stage, want)
		}
	}
	if err := render.HGRM("lunch")(io.Discard, rendertest.Steady(t)); err == nil || !strings.Contains(err.Error(), "end_to_end") {
		t.Errorf("HGRM of an unknown stage returned %v, want an error with the choices", err)
	}
	if !slices.Contains(render.Run.Formats(), "hgrm") {
		t.Error("hgrm is not listed")
	}
}

func TestAReportNamesTheWorkersOfItsRunAndWhatTheyCost(t *testing.T) {
	t.Parallel()
	r := rendertest.Steady(t)
	r.Run.Worker = "node worker.js | tee \x1b[31mlog"
	r.Scalars["worker_cpu_per_job"] = rendertest.Ptr(189_000.0)
	for name, want := range map[string][]string{
		"text":      {"worker: node worker.js | tee [31mlog"},
		"md":        {`node worker.js \| tee`, "`worker_cpu_per_job`", "189 µs"},
		"json":      {`"worker": "node worker.js | tee \u001b[31mlog"`, `"worker_cpu_per_job": 189000`},
		"benchmark": {"189000 worker-cpu-ns/job", "Unit worker-cpu-ns/job better=lower"},
	} {
		got := written(t, render.Format(name, render.Options{}), r)
		for _, part := range want {
			if !strings.Contains(strings.Join(strings.Fields(got), " "), strings.Join(strings.Fields(part), " ")) {
				t.Errorf("%s lacks %q:\n%s", name, part, got)
			}
		}
		if name != "json" && strings.Contains(got, "\x1b") {
			t.Errorf("%s: a worker's command gets to the terminal as it is", name)
		}
	}
}
