package render

import (
	"io"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/result"
)

// White-box access for tests: what is here is tested by itself.
var (
	Escape     = escape
	Code       = code
	Wrap       = hanging
	CommonUnit = func(ns ...float64) (string, float64) { u := commonUnit(ns...); return u.Name, u.NS }

	TableUnit = func(wanted string, headline float64, ns ...float64) (string, bool) {
		u, ok := tableUnit(wanted, headline, ns...)
		return u.Name, ok
	}
	SearchAnswer = searchAnswer
	Meaning      = meaning
)

// Encoders under names for the tests.
var (
	Text      = func(o Options) Encoder { return Format("text", o) }
	Markdown  = writer(runMarkdown)
	JSON      = writer(runJSON)
	Summary   = writer(stepSummary)
	JUnit     = writer(runJUnit)
	Benchmark = writer(runBenchmark)

	SummaryCSV  = writer(summaryCSV)
	TimelineCSV = writer(timelineCSV)
	SearchCSV   = writer(searchCSV)

	ComparisonText     = writer(comparisonText)
	ComparisonMarkdown = writer(comparisonMarkdown)
	ComparisonJSON     = writer(comparisonJSON)
	ComparisonJUnit    = writer(comparisonJUnit)

	StaffingText = writer(staffingText)
)

// Encoders that are files of a directory and no formats.
var (
	PercentilesSVG = writer(percentilesSVG)
	TimelineSVG    = writer(timelineSVG)
	WholeRun       = writer(wholeRun)
	SearchSVG      = writer(searchSVG)
	CurveSVG       = writer(curveSVG)
	ScalingSVG     = writer(scalingSVG)
)

// The encoders of three kinds.
type (
	Encoder           = func(io.Writer, *result.Result) error
	SearchEncoder     = func(io.Writer, *study.Record) error
	ComparisonEncoder = func(io.Writer, *compare.Record) error
)

// writer writes what an encoder makes, as the file of a document.
func writer[R Record](encode encoder[R]) func(io.Writer, R) error {
	return func(w io.Writer, record R) error { return file("report", record, encode).Encode(w) }
}

// Format is the encoder of a format of runs.
func Format(name string, o Options) Encoder {
	return func(w io.Writer, r *result.Result) error { return Of(r).Encode(w, name, o) }
}

// HGRM is the encoder of the format hgrm for a stage.
func HGRM(stage metric.Stage) Encoder { return Format("hgrm", Options{Stage: stage}) }
