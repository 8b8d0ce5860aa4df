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
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

const reportHelp = `Make reports again from stored results. A RESULT is a result directory or the
record in it, such as result.json; no figure in a report comes from anywhere else.
Several results are reported one after another; where runs are among them, results
of other kinds are ignored with a note. A search for the capacity has the formats
text, md, csv and json; a comparison has text, md, json and those for other tools,
where benchmark is its candidate and benchmark-base its baseline; a calibration
and the JSON of a plan have text and json.

latest is the result under --out that ended last, of whichever kind; which one it
is goes to standard error. A file or directory that is named latest comes first.

For other tools: junit (JUnit XML), benchmark (Go benchmark text, for benchstat),
action-smaller and action-bigger (github-action-benchmark), summary (for the step
summary of GitHub). docs/gates.md describes them.`

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
		format:  add(f, "format", "", "`FORMAT` of the report: "+strings.Join(render.Run.Formats(), ", ")+" (default text)", anyText),
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
	if slices.Contains([]string{"junit", "action-smaller", "action-bigger"}, format) && len(results) > 1 {
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
	kind := kindOf(results[0])
	if slices.ContainsFunc(results, func(name string) bool { return kindOf(name) != kind }) {
		faults = append(faults, fault{"results of different kinds are named together: " + kindsOf(results), "report them one kind at a time"})
	}
	if known := kind.Formats(); !slices.Contains(known, format) {
		faults = append(faults, fault{what: fmt.Sprintf("%s: %q is none of %s", r.flags.source("format"), format, strings.Join(known, ", "))})
	}
	if err := usageErr(faults...); err != nil {
		return err
	}
	var o render.Options
	if output == "" {
		o = r.p.textOptions(r.noColor.get())
	}
	o.Stage = metric.Stage(r.stage.get())
	// All of it is made before a byte is written: a fault in the last result
	// leaves no half of a report behind.
	var all bytes.Buffer
	var runs []*result.Result
	for i, name := range results {
		d, err := store.Load(name)
		if errors.Is(err, fs.ErrNotExist) {
			return usageErr(faultOf(err))
		}
		if err != nil {
			return err
		}
		if run, ok := render.As[*result.Result](d); ok {
			runs = append(runs, run)
		}
		var b bytes.Buffer
		if err := d.Encode(&b, format, o); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if i > 0 {
			follow(&all, &b, format)
		}
		all.Write(b.Bytes())
	}
	if format == "benchmark" && kind == render.Run {
		if err := r.benchmarkNotes(results, runs); err != nil {
			return err
		}
	}
	if output == "" {
		_, err := r.p.stdout.Write(all.Bytes())
		return err
	}
	return writeFile(output, all.Bytes(), r.force.get())
}

// kindOf is the kind of what is stored under the name; what is not known counts as
// a run, for its error.
func kindOf(name string) render.Kind {
	if k := store.KindOf(name); slices.Contains(render.Kinds(), k) {
		return k
	}
	return render.Run
}

// kindsOf names the kinds of the results, each once.
func kindsOf(results []string) string {
	var words []string
	for _, name := range results {
		if w := kindOf(name).Words(); !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ")
}

// runsOf leaves out, of several results, what is no run, where at least one is:
// a directory of results may hold more than runs. What nobody can read stays in,
// for its error.
func (r reporting) runsOf(results []string) (runs []string) {
	var notes []string
	for _, name := range results {
		other := ""
		if k := store.KindOf(name); k != render.Run {
			other = store.Words(k)
		}
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

// follow prepares the report b to come after what is in all: a table goes on
// without its header, prose after an empty line.
func follow(all, b *bytes.Buffer, format string) {
	switch format {
	case "csv", "timeline-csv":
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
func (p *program) textOptions(plain bool) render.Options {
	o := render.Options{Width: width(p.stdout)}
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
