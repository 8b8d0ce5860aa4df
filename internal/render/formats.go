package render

import (
	"io"

	"github.com/queuedyno/queuedyno/internal/compare"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/webpage"
	"github.com/queuedyno/queuedyno/result"
)

// encoder makes one report of a record: the whole of it, or an error. It keeps no
// reference to the record and never changes it.
type encoder[R Record] func(record R) (string, error)

// format is one of the formats of a document.
type format struct {
	name   string
	encode func(o Options) (string, error)
}

// in is a format that has no options.
func in[R Record](name string, record R, encode encoder[R]) format {
	return format{name, func(Options) (string, error) { return encode(record) }}
}

// file is a file that holds what the encoder makes.
func file[R Record](name string, record R, encode encoder[R]) File {
	return File{name, func(w io.Writer) error {
		text, err := encode(record)
		return write(w, name, text, err)
	}}
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

// ofRun is the document of a run, whose pages have a heat map where there is an interval
// log.
func ofRun(r *result.Result, log opener) Document {
	d := Document{kind: Run, record: r, page: func(documents int) (webpage.Document, error) {
		return runPage{intervals: log, documents: documents}.document(r)
	}}
	d.formats = []format{
		{"text", func(o Options) (string, error) { return runText(r, o), nil }},
		in("md", r, runMarkdown),
		d.html(),
		in("csv", r, summaryCSV),
		in("timeline-csv", r, timelineCSV),
		in("json", r, runJSON),
		{"hgrm", func(o Options) (string, error) { return hgrm(r, o.Stage) }},
		in("summary", r, stepSummary),
		in("junit", r, runJUnit),
		in("benchmark", r, runBenchmark),
		in("action-smaller", r, runAction(false)),
		in("action-bigger", r, runAction(true)),
	}
	d.files = func() []File {
		files := []File{
			file(Run.File(), r, runJSON),
			file(IntervalsFile, r, wholeRun),
			d.htmlFile(pageFile),
			file("report.md", r, runMarkdown),
			file(summaryFile, r, summaryCSV),
			file(timelineFile, r, timelineCSV),
			file(string(r.Scenario.Headline())+".hgrm", r, func(r *result.Result) (string, error) { return hgrm(r, "") }),
			file(percentilesFile, r, percentilesSVG),
			file(overTimeFile, r, timelineSVG),
		}
		if len(r.Breakdown) > 0 {
			files = append(files, file(breakdownFile, r, breakdownCSV))
		}
		return files
	}
	return d
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

func ofSearch(r *study.Record) Document {
	d := Document{kind: Search, record: r, page: only(searchPage, r)}
	d.formats = []format{in("text", r, searchText), in("md", r, searchMarkdown), d.html(), in("csv", r, searchCSV), in("json", r, searchJSON)}
	d.files = func() []File {
		files := []File{
			file(Search.File(), r, searchJSON),
			d.htmlFile(pageFile),
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
	return d
}

func ofComparison(r *compare.Record) Document {
	d := Document{kind: Comparison, record: r, page: only(comparisonPage, r)}
	d.formats = []format{
		in("text", r, comparisonText),
		in("md", r, comparisonMarkdown),
		d.html(),
		in("json", r, comparisonJSON),
		in("junit", r, comparisonJUnit),
		in("benchmark", r, comparisonBenchmark(compare.Candidate)),
		in("benchmark-base", r, comparisonBenchmark(compare.Base)),
		in("action-smaller", r, comparisonAction(false)),
		in("action-bigger", r, comparisonAction(true)),
	}
	d.files = func() []File {
		return []File{
			file(Comparison.File(), r, comparisonJSON),
			d.htmlFile(pageFile),
			file("compare.md", r, comparisonMarkdown),
			file("junit.xml", r, comparisonJUnit),
			file("base.txt", r, comparisonBenchmark(compare.Base)),
			file("candidate.txt", r, comparisonBenchmark(compare.Candidate)),
		}
	}
	return d
}

// Runs are files of the results of single runs, by their names.
func Runs(results map[string]*result.Result) []File {
	var files []File
	for _, name := range sortedKeys(results) {
		files = append(files, file(name, results[name], runJSON))
	}
	return files
}

func ofCalibration(c *compare.Calibration) Document {
	d := Document{kind: Calibration, record: c, page: only(calibrationPage, c)}
	d.formats = []format{in("text", c, calibrationText), d.html(), in("json", c, calibrationJSON)}
	// Next to the comparison that it was made from, which has the page report.html.
	d.files = func() []File {
		return []File{file(Calibration.File(), c, calibrationJSON), d.htmlFile("calibration.html")}
	}
	return d
}

func ofStaffing(s *study.Staffing) Document {
	d := Document{kind: Staffing, record: s, page: only(staffingPage, s)}
	d.formats = []format{in("text", s, staffingText), d.html(), in("json", s, staffingJSON)}
	d.files = func() []File { return []File{file(Staffing.File(), s, staffingJSON), d.htmlFile(pageFile)} }
	return d
}
