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
	Wrap       = wrap
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
	Markdown  = Encoder(runMarkdown)
	JSON      = Encoder(runJSON)
	Summary   = Encoder(stepSummary)
	JUnit     = Encoder(runJUnit)
	Benchmark = Encoder(runBenchmark)

	SummaryCSV  = Encoder(summaryCSV)
	TimelineCSV = Encoder(timelineCSV)
	SearchCSV   = SearchEncoder(searchCSV)

	ComparisonText     = ComparisonEncoder(comparisonText)
	ComparisonMarkdown = ComparisonEncoder(comparisonMarkdown)
	ComparisonJSON     = ComparisonEncoder(comparisonJSON)
	ComparisonJUnit    = ComparisonEncoder(comparisonJUnit)

	StaffingText = staffingText
)

// Encoders that are files of a directory and no formats.
var (
	PercentilesSVG = percentilesSVG
	TimelineSVG    = timelineSVG
	WholeRun       = wholeRun
	SearchSVG      = searchSVG
	CurveSVG       = curveSVG
	ScalingSVG     = scalingSVG
)

// The encoders of three kinds.
type (
	Encoder           = encoder[*result.Result]
	SearchEncoder     = encoder[*study.Record]
	ComparisonEncoder = encoder[*compare.Record]
)

// Format is the encoder of a format of runs.
func Format(name string, o Options) Encoder {
	return func(w io.Writer, r *result.Result) error { return Of(r).Encode(w, name, o) }
}

// HGRM is the encoder of the format hgrm for a stage.
func HGRM(stage metric.Stage) Encoder { return Format("hgrm", Options{Stage: stage}) }
