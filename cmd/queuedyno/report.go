package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/report"
)

const reportHelp = `Make reports again from stored results. A RESULT is a result directory or a
result.json; no figure in a report comes from anywhere else. Several results are
reported one after another; what is named beside runs and is of another kind is
passed over with a note. The directory of a search for the capacity, or its
capacity.json, has the formats text, md, csv and json; that of a comparison, or
its compare.json, those and what is for other tools, but csv. benchmark is its
candidate then, and benchmark-base its baseline.

latest is the result under --out that ended last, of whichever kind; which one it
is goes to standard error. A file or directory that is named latest comes first.

For other tools: junit (JUnit XML), benchmark (Go benchmark text, for benchstat),
action-smaller and action-bigger (github-action-benchmark), bencher (Bencher
Metric Format), otava (a CSV row for Apache Otava), summary (for the step summary
of GitHub). What each of them looks for, and where it trips, is in docs/gates.md.`

func (p *program) reportVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report RESULT...",
		Short: "Make reports again from stored results",
		Long:  reportHelp,
		Example: "  queuedyno report results/steady-20260102-150405Z\n" +
			"  queuedyno report latest --format md\n" +
			"  queuedyno report results/* --format csv -o all.csv",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return nil
			}
			return usageErr(fault{"no result is named", "give a result directory: queuedyno report results/NAME"})
		},
	}
	f := p.flagsOf(cmd)
	r := reporting{
		p:       p,
		flags:   f,
		format:  add(f, "format", "", "`FORMAT` of the report: "+strings.Join(report.Formats(), ", ")+" (default text)", anyText),
		stage:   add(f, "stage", "", "`STAGE` of the format hgrm (default end_to_end)", stage),
		output:  add(f, "output", "o", "`FILE` to write to (default standard output)", anyText),
		force:   addSwitch(f, "force", "", "overwrite the file of --output"),
		out:     add(f, "out", "", "`DIR` in which latest looks (default results)", anyText),
		redraw:  addSwitch(f, "redraw", "", "make the files of result directories again that are missing"),
		noColor: addSwitch(f, "no-color", "", "no colour on a terminal"),
	}
	cmd.RunE = p.verb(func(_ *cobra.Command, results []string) error { return r.run(results) })
	p.completeReport(cmd)
	return cmd
}

// reporting are the flags of the verb report.
type reporting struct {
	p                     *program
	flags                 *flags
	format, stage, output *value[string]
	out                   *value[string]
	force, noColor        *value[bool]
	redraw                *value[bool]
}

func (r reporting) run(results []string) error {
	faults := slices.Clone(r.flags.faults)
	results, err := r.latest(results)
	if err != nil {
		return err
	}
	if r.redraw.get() {
		return r.redrawn(faults, results)
	}
	results = r.runsOf(results)
	format := r.format.or("text")
	if format != "hgrm" && r.flags.onCommandLine("stage") {
		faults = append(faults, fault{"--stage goes with --format hgrm only", "the other formats show every stage"})
	}
	if slices.Contains([]string{"junit", "action-smaller", "action-bigger", "bencher"}, format) && len(results) > 1 {
		faults = append(faults, fault{fmt.Sprintf("a %s file is of one result, and several are named", format), "make one for each result"})
	}
	if format == "hgrm" && len(results) > 1 {
		faults = append(faults, fault{"an hgrm file holds one distribution, and several results are named", "make one for each result"})
	}
	output := r.output.get()
	if output == "" && r.flags.onCommandLine("force") {
		faults = append(faults, fault{what: "--force goes with --output only"})
	}
	if _, err := os.Lstat(output); output != "" && err == nil && !r.force.get() {
		faults = append(faults, fault{fmt.Sprintf("%q exists", output), "--force overwrites it"})
	}
	searches, comparisons := countSearches(results), countComparisons(results)
	if searches > 0 && searches < len(results) || comparisons > 0 && comparisons < len(results) {
		faults = append(faults, fault{"results of runs, of searches for the capacity and of comparisons are named together", "report them one kind at a time"})
	}
	if known := formatsOf(searches, comparisons); !slices.Contains(known, format) {
		faults = append(faults, fault{what: fmt.Sprintf("%s: %q is none of %s", r.flags.source("format"), format, strings.Join(known, ", "))})
	}
	if err := usageErr(faults...); err != nil {
		return err
	}
	o := report.Options{Stage: metric.Stage(r.stage.get())}
	if output == "" {
		o.Text = r.p.textOptions(r.noColor.get())
	}
	encode, err := report.ByName(format, o)
	if err != nil {
		return err
	}
	loaded := loading{load: report.Load}
	// All of it is made before a byte is written: a fault in the last result
	// leaves no half of a report behind.
	var all bytes.Buffer
	for i, name := range results {
		var b bytes.Buffer
		if searches > 0 {
			if err := encodeSearch(&b, name, format); err != nil {
				return err
			}
		} else if comparisons > 0 {
			if err := encodeComparison(&b, name, format); err != nil {
				return err
			}
		} else if err := encodeOne(&b, name, loaded.one, encode); err != nil {
			return err
		}
		if i > 0 {
			follow(&all, &b, format)
		}
		all.Write(b.Bytes())
	}
	if format == "benchmark" && comparisons == 0 {
		if err := r.benchmarkNotes(results, loaded.results); err != nil {
			return err
		}
	}
	if output == "" {
		_, err := r.p.stdout.Write(all.Bytes())
		return err
	}
	return writeFile(output, all.Bytes(), r.force.get())
}

// runsOf leaves out, of several results, what is no run, where at least one is:
// a directory of results may hold more than runs. What nobody can read stays in,
// for its error.
func (r reporting) runsOf(results []string) (runs []string) {
	var notes []string
	for _, name := range results {
		other := report.Other(name)
		if i, err := os.Stat(name); err == nil && !i.IsDir() && filepath.Ext(name) != ".json" {
			other = "no JSON"
		}
		if other == "" {
			runs = append(runs, name)
		} else {
			notes = append(notes, fmt.Sprintf("report: %q is passed over: it holds %s", name, other))
		}
	}
	if len(runs) == 0 {
		return results
	}
	for _, n := range notes {
		r.p.console.note("%s", n)
	}
	return runs
}

// formatsOf are the formats of what is reported: runs, unless there are searches
// or comparisons.
func formatsOf(searches, comparisons int) []string {
	switch {
	case comparisons > 0:
		return report.ComparisonFormats()
	case searches > 0:
		return report.CapacityFormats()
	}
	return report.Formats()
}

// encodeOne makes the report of what is stored under the name.
func encodeOne[T any](w io.Writer, name string, load func(string) (T, error), encode func(io.Writer, T) error) error {
	one, err := load(name)
	if errors.Is(err, fs.ErrNotExist) {
		return usageErr(faultOf(err))
	}
	if err != nil {
		return err
	}
	if err := encode(w, one); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// encodeSearch makes the report of one search for the capacity.
func encodeSearch(w io.Writer, name, format string) error {
	encode, err := report.CapacityByName(format)
	if err != nil {
		return usageErr(faultOf(err))
	}
	return encodeOne(w, name, report.LoadCapacity, encode)
}

// encodeComparison makes the report of one comparison.
func encodeComparison(w io.Writer, name, format string) error {
	encode, err := report.ComparisonByName(format)
	if err != nil {
		return usageErr(faultOf(err))
	}
	return encodeOne(w, name, report.LoadComparison, encode)
}

// countComparisons is how many of the results are comparisons.
func countComparisons(results []string) (n int) {
	for _, name := range results {
		if report.IsComparison(name) {
			n++
		}
	}
	return n
}

// countSearches is how many of the results are searches for the capacity.
func countSearches(results []string) (n int) {
	for _, name := range results {
		if report.IsCapacity(name) {
			n++
		}
	}
	return n
}

// follow prepares the report b to come after what is in all: a table goes on
// without its header, prose after an empty line.
func follow(all, b *bytes.Buffer, format string) {
	switch format {
	case "csv", "timeline-csv", "otava":
		_, _ = b.ReadBytes('\n') // column names hold no line break
	case "text", "md", "summary":
		all.WriteByte('\n')
	}
}

// writeFile writes a new file, or replaces one in a single step.
func writeFile(name string, data []byte, replace bool) (err error) {
	var f *os.File
	if replace {
		f, err = os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".partial-*")
	} else {
		f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	}
	if errors.Is(err, fs.ErrExist) {
		return usageErr(fault{fmt.Sprintf("%q exists", name), "--force overwrites it"})
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("write report: %w", err)
		}
	}()
	if replace {
		if err := f.Chmod(0o644); err != nil {
			f.Close()
			return err
		}
	}
	if _, err := io.Copy(f, bytes.NewReader(data)); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if replace {
		return os.Rename(f.Name(), name)
	}
	return nil
}

// textOptions are how a text report looks on standard output.
func (p *program) textOptions(plain bool) report.TextOptions {
	o := report.TextOptions{Width: width(p.stdout)}
	o.Color = isTerminal(p.stdout) && !plain && p.env("NO_COLOR") == "" && p.env("TERM") != "dumb"
	return o
}

func stage(s string) (string, error) {
	words := make([]string, 0, 8)
	for _, one := range metric.Stages() {
		words = append(words, string(one))
	}
	return oneOf(words...)(s)
}
