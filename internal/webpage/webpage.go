// Package webpage writes a report as one HTML file: text and tables as HTML, and charts
// that a small script draws from JSON in the page. The file works from disk. Its
// content security policy forbids every request, so it cannot load anything.
//
// It knows nothing of runs: callers fill in a [Page].
package webpage

import (
	_ "embed"
	"html/template"
	"io"
	"slices"
)

// Page is one HTML file. The text in it may be anything; it is escaped.
type Page struct {
	Title     string
	Documents []Document
	// Figures are the names of the documents' key figures. A page of several documents
	// begins with a table of them.
	Figures []string
}

// Document is one report: a run, for example.
type Document struct {
	Title string
	// Verdict is valid, suspect, invalid, pass, fail or inconclusive, and sets the
	// colour of the badge. Empty means no badge.
	Verdict string
	// Answer is the report in one sentence; Reasons are those of the verdict.
	Answer  string
	Reasons []string
	// Warnings are shown after the reasons.
	Warnings []string
	Sections []Section
	// Figures are the key figures, as text, under the names that the page has for them. It
	// may have fewer than there are names.
	Figures []string
}

// Section is a part of a document that links can point to.
type Section struct {
	ID, Title string
	// Note is a sentence on how to read it.
	Note   string
	Charts []Chart
	Tables []Table
}

// Table is a table of text. The first column names the row.
type Table struct {
	Title   string
	Columns []string
	// Words are the columns, from 0, that hold words; the others hold numbers.
	Words []int
	Rows  [][]string
	// Notes are footnotes.
	Notes []string
}

// IsWords reports whether a column holds words.
func (t Table) IsWords(column int) bool { return column == 0 || slices.Contains(t.Words, column) }

// Kind is how a chart is drawn.
type Kind string

const (
	// Time has seconds on its horizontal axis. The charts of this kind in a
	// document share their crosshair and their zoom.
	Time Kind = "time"
	// Heat has seconds on its horizontal axis and a logarithmic vertical one. Colours
	// show how many jobs are in each cell. It shares crosshair and zoom with the charts
	// of the kind Time.
	Heat Kind = "heat"
	// Percentile has shares of the jobs on its horizontal axis, 0 to 1.
	Percentile Kind = "percentile"
	// Number has any other quantity on its horizontal axis, which XName names.
	Number Kind = "number"
	// Stack has a bar for each label, made of the series one after the other.
	Stack Kind = "stack"
	// Bars has a bar for each label and series.
	Bars Kind = "bars"
	// Intervals has an estimate with its interval for each label: the series are the
	// estimates, the lower and the upper ends, and the limits, in this order.
	Intervals Kind = "intervals"
)

// Unit is what the values of a chart are measured in.
type Unit string

// The units of charts.
const (
	Nanoseconds Unit = "ns"
	Jobs        Unit = "jobs"
	PerSecond   Unit = "jobs/s"
	Share       Unit = "share"
	// Plain values are shown as numbers.
	Plain Unit = "number"
)

// Chart is a picture with a table behind it.
type Chart struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Note  string `json:"note,omitempty"`
	Kind  Kind   `json:"kind"`
	Unit  Unit   `json:"unit"`
	// Log asks for a logarithmic vertical axis.
	Log bool `json:"log,omitempty"`
	// X are the positions of the values in charts with a horizontal axis where a
	// series has none, and XName is what they are; Labels name the bars.
	X      []float64 `json:"x,omitempty"`
	XName  string    `json:"x_name,omitempty"`
	Labels []string  `json:"labels,omitempty"`
	// Spans are the columns of a heat map: where each begins and ends.
	Spans [][2]float64 `json:"spans,omitempty"`
	// Variants are shown one at a time, the first one first.
	Variants []Variant `json:"variants"`
	Marks    []Mark    `json:"marks,omitempty"`
}

// Variant is one set of series of a chart.
type Variant struct {
	Name string `json:"name,omitempty"`
	// Unit is that of its values, empty for that of the chart.
	Unit   Unit     `json:"unit,omitempty"`
	Series []Series `json:"series"`
	// Cells are what a heat map has instead of series.
	Cells *Cells `json:"cells,omitempty"`
}

// Cells are the cells of a heat map.
type Cells struct {
	// Edges are the ends of the bands: band i is from Edges[i] up to Edges[i+1].
	Edges []float64 `json:"edges"`
	// Columns has a list for each span of the chart: the band of the first count, then
	// the counts of this band and those above. The list is empty without a count.
	Columns [][]int64 `json:"columns"`
}

// Style is how a series is drawn.
type Style string

const (
	// Line is a line; in a chart of bars, a bar.
	Line Style = "line"
	// Area is a line with the area below it filled.
	Area Style = "area"
	// Band fills the area down to the series before it.
	Band Style = "band"
	// Dots are single values: good ones, bad ones, and ones that do not count.
	Good Style = "good"
	Bad  Style = "bad"
	Void Style = "void"
	// Dot and Ring are single values of two sides.
	Dot  Style = "dot"
	Ring Style = "ring"
	// Lost is a bar of jobs that were lost.
	Lost Style = "lost"
	// Limit is a mark across the bar.
	Limit Style = "limit"
)

// Series is one line or one set of bars. Y holds null where there is no value.
type Series struct {
	Name  string     `json:"name"`
	Style Style      `json:"style"`
	X     []float64  `json:"x,omitempty"`
	Y     []*float64 `json:"y"`
}

// Mark is a part of the horizontal axis, or a point of it if From equals To: seconds
// or shares, as the kind of the chart says.
type Mark struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Label string  `json:"label"`
	// Bad marks a part in which something went wrong, Planned one in which something was
	// broken on purpose.
	Bad     bool `json:"bad,omitempty"`
	Planned bool `json:"planned,omitempty"`
}

//go:embed page.html
var source string

//go:embed page.css
var style string

// The script is in parts, which share one function scope: the axes that most charts
// have, the heat map, and last the other charts and what draws them all.
//
//go:embed axes.js
var axes string

//go:embed heat.js
var heat string

//go:embed page.js
var rest string

var script = "'use strict';\n(() => {\n" + axes + heat + rest + "})();\n"

//go:embed live.js
var liveScript string

var shell = template.Must(template.New("page").Parse(source))

// filled is what the template is filled in with.
type filled struct {
	Page
	Style  template.CSS
	Script template.JS
	// Live pages may ask the server that they came from for more.
	Live bool
}

// Write writes the page. Its errors are those of w.
func Write(w io.Writer, p Page) error {
	return shell.Execute(w, filled{Page: p, Style: template.CSS(style), Script: template.JS(script)})
}

// WriteLive writes an empty page that fills itself with what its server sends: see
// [Part]. Its errors are those of w.
func WriteLive(w io.Writer, title string) error {
	return shell.Execute(w, filled{Page: Page{Title: title}, Style: template.CSS(style), Script: template.JS(script + liveScript), Live: true})
}

// Part writes the documents of a page without its style and its script, for a page that
// has both. Its errors are those of w.
func Part(w io.Writer, p Page) error { return shell.Execute(w, filled{Page: p}) }
