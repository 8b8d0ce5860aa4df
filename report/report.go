// Package report turns a [result.Result] into bytes.
//
// It is for everything that people and scripts read after a run: the table on
// the terminal, a Markdown page with two pictures, CSV, JSON, and the exchange
// formats of HdrHistogram. Result in, bytes out: a report can be made again at
// any time from result.json alone.
//
// It computes no figure. It formats what the result holds and reads curves out
// of the histograms stored in it; what is null there is n/a here, with the
// reason. It holds no clock. A result directory belongs to one run from its start
// ([Reserve]), and its record is written before all else.
// The validity of a run and its warnings are part of every format.
//
// Begin reading at [Encoder], for files at [Write] and [Load].
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/result"
)

// Encoder writes one report of a result. It writes the whole report or, when
// it returns an error of its own making, nothing at all. It keeps no reference
// to the result and never changes it.
type Encoder func(w io.Writer, r *result.Result) error

// Options are what [ByName] needs to know beside the name.
type Options struct {
	// Text is for the format text.
	Text TextOptions
	// Stage is the stage of the format hgrm. Empty means the headline.
	Stage metric.Stage
}

// Formats lists the names that [ByName] knows.
func Formats() []string {
	return []string{"text", "md", "csv", "timeline-csv", "json", "hgrm", "summary", "junit", "benchmark", "action-smaller", "action-bigger", "bencher", "otava"}
}

// ByName is the encoder of that name, one of [Formats].
func ByName(name string, o Options) (Encoder, error) {
	switch name {
	case "text":
		return Text(o.Text), nil
	case "md":
		return Markdown, nil
	case "csv":
		return SummaryCSV, nil
	case "timeline-csv":
		return TimelineCSV, nil
	case "json":
		return JSON, nil
	case "hgrm":
		return HGRM(o.Stage), nil
	case "summary":
		return Summary, nil
	case "junit":
		return JUnit, nil
	case "benchmark":
		return Benchmark, nil
	case "action-smaller":
		return Action(false), nil
	case "action-bigger":
		return Action(true), nil
	case "bencher":
		return Bencher, nil
	case "otava":
		return Otava, nil
	default:
		return nil, fmt.Errorf("report format %q: not one of %s", name, strings.Join(Formats(), ", "))
	}
}
