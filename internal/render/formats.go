package render

import (
	"io"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/result"
)

// encoder writes one report of a record. It writes the whole report or, when it
// returns an error that is not of the writer, nothing at all. It keeps no reference to
// the record and never changes it.
type encoder[R Record] func(w io.Writer, record R) error

// format is one of the formats of a kind of record.
type format[R Record] struct {
	name   string
	encode func(w io.Writer, record R, o Options) error
}

// in is a format that has no options.
func in[R Record](name string, encode encoder[R]) format[R] {
	return format[R]{name, func(w io.Writer, record R, _ Options) error { return encode(w, record) }}
}

// bound is a format of one record.
type bound struct {
	name   string
	encode func(w io.Writer, o Options) error
}

func bind[R Record](record R, formats []format[R]) []bound {
	out := make([]bound, len(formats))
	for i, f := range formats {
		out[i] = bound{f.name, func(w io.Writer, o Options) error { return f.encode(w, record, o) }}
	}
	return out
}

// file is a file that holds what the encoder writes.
func file[R Record](name string, record R, encode encoder[R]) File {
	return File{name, func(w io.Writer) error { return encode(w, record) }}
}

// The files that others link to.
const (
	pageFile        = "report.html"
	summaryFile     = "summary.csv"
	timelineFile    = "timeline.csv"
	percentilesFile = "percentiles.svg"
	overTimeFile    = "timeline.svg"
	breakdownFile   = "breakdown.csv"
	searchFile      = "search.svg"
	curveFile       = "curve.svg"
	scalingFile     = "scaling.svg"
)

// IntervalsFile holds the intervals of a run, see [Intervals].
const IntervalsFile = "histograms.hlog"

func runFormats(log opener) []format[*result.Result] {
	return []format[*result.Result]{
		{"text", runText},
		in("md", runMarkdown),
		in("html", runHTML(log)),
		in("csv", summaryCSV),
		in("timeline-csv", timelineCSV),
		in("json", runJSON),
		{"hgrm", func(w io.Writer, r *result.Result, o Options) error { return hgrm(w, r, o.Stage) }},
		in("summary", stepSummary),
		in("junit", runJUnit),
		in("benchmark", runBenchmark),
		in("action-smaller", runAction(false)),
		in("action-bigger", runAction(true)),
	}
}

func runFiles(r *result.Result, log opener) []File {
	headline := r.Scenario.Headline()
	files := []File{
		file(Run.File(), r, runJSON),
		file(IntervalsFile, r, wholeRun),
		file(pageFile, r, runHTML(log)),
		file("report.md", r, runMarkdown),
		file(summaryFile, r, summaryCSV),
		file(timelineFile, r, timelineCSV),
		file(string(headline)+".hgrm", r, func(w io.Writer, r *result.Result) error { return hgrm(w, r, headline) }),
		file(percentilesFile, r, percentilesSVG),
		file(overTimeFile, r, timelineSVG),
	}
	if len(r.Breakdown) > 0 {
		files = append(files, file(breakdownFile, r, breakdownCSV))
	}
	return files
}

// Intervals is the file of the interval log that an [IntervalLog] wrote during a
// run. Without it, the file of that name holds the whole window as one interval a
// stage.
func Intervals(log io.Reader) File {
	return File{IntervalsFile, func(w io.Writer) error {
		_, err := io.Copy(w, log)
		return err
	}}
}

func searchFormats() []format[*study.Record] {
	return []format[*study.Record]{
		in("text", searchText), in("md", searchMarkdown), in("html", html(searchPage)), in("csv", searchCSV), in("json", searchJSON),
	}
}

func searchFiles(r *study.Record) []File {
	files := []File{
		file(Search.File(), r, searchJSON),
		file(pageFile, r, html(searchPage)),
		file("capacity.md", r, searchMarkdown),
		file("capacity.csv", r, searchCSV),
	}
	if len(r.Vary) > 0 {
		files = append(files, file(scalingFile, r, scalingSVG))
	} else {
		files = append(files, file(searchFile, r, searchSVG))
	}
	if len(r.Points) > 0 {
		files = append(files, file(curveFile, r, curveSVG))
	}
	return files
}

func comparisonFormats() []format[*compare.Record] {
	return []format[*compare.Record]{
		in("text", comparisonText),
		in("md", comparisonMarkdown),
		in("html", html(comparisonPage)),
		in("json", comparisonJSON),
		in("junit", comparisonJUnit),
		in("benchmark", comparisonBenchmark(compare.Candidate)),
		in("benchmark-base", comparisonBenchmark(compare.Base)),
		in("action-smaller", comparisonAction(false)),
		in("action-bigger", comparisonAction(true)),
	}
}

func comparisonFiles(r *compare.Record) []File {
	return []File{
		file(Comparison.File(), r, comparisonJSON),
		file(pageFile, r, html(comparisonPage)),
		file("compare.md", r, comparisonMarkdown),
		file("junit.xml", r, comparisonJUnit),
		file("base.txt", r, comparisonBenchmark(compare.Base)),
		file("candidate.txt", r, comparisonBenchmark(compare.Candidate)),
	}
}

// Runs are files of the results of single runs, by their names.
func Runs(results map[string]*result.Result) []File {
	var files []File
	for _, name := range sortedKeys(results) {
		files = append(files, file(name, results[name], runJSON))
	}
	return files
}

func calibrationFormats() []format[*compare.Calibration] {
	return []format[*compare.Calibration]{in("text", calibrationText), in("html", html(calibrationPage)), in("json", calibrationJSON)}
}

func calibrationFiles(c *compare.Calibration) []File {
	// Next to the comparison that it was made from, which has the page report.html.
	return []File{file(Calibration.File(), c, calibrationJSON), file("calibration.html", c, html(calibrationPage))}
}

func staffingFormats() []format[*study.Staffing] {
	return []format[*study.Staffing]{in("text", staffingText), in("html", html(staffingPage)), in("json", staffingJSON)}
}

func staffingFiles(s *study.Staffing) []File {
	return []File{file(Staffing.File(), s, staffingJSON), file(pageFile, s, html(staffingPage))}
}
