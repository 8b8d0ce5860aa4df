package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/result"
)

const reportHelp = `Make reports from stored results. A RESULT is a result directory or the record in it,
e.g. result.json; reports use nothing else, but for the heat map of the format html, which
needs histograms.hlog next to it. Several results are reported one after another, in the
format html on one page; if runs are among them, other kinds of results are ignored with
a note.

A capacity search has the formats text, md, html, csv and json; a comparison has text, md,
html, json and those for other tools, where benchmark is its candidate and benchmark-base
its baseline; a calibration and the JSON of a plan have text, html and json.

"latest" is the result under --out that ended last, of any kind; which one is printed to
standard error. A file or directory named latest takes precedence.

For other tools: junit (JUnit XML), benchmark (Go benchmark text, for benchstat),
action-smaller and action-bigger (github-action-benchmark), summary (GitHub step
summary). docs/gates.md describes them.`

func (p *program) reportVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report RESULT...",
		Short: "Make reports from stored results",
		Long:  reportHelp,
		Example: "  queuedyno report results/steady-20260102-150405Z\n" +
			"  queuedyno report latest --format md\n" +
			"  queuedyno report results/* --format csv -o all.csv\n" +
			"  queuedyno report results/* --format html -o all.html",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return nil
			}
			return problem.Exit(problem.BadUsage, "no result is named", "add a result directory: queuedyno report results/NAME")
		},
	}
	f := p.flagsOf(cmd)
	r := &reporting{p: p, flags: f, format: "text", out: "results"}
	f.Group("Output")
	f.Text(&r.format, "format", "", "`FORMAT` of the report: "+strings.Join(render.Run.Formats(), ", ")+" (default text)")
	flags.Var(f, &r.stage, "stage", "", "`STAGE` for the format hgrm (default end_to_end)", stage)
	f.Text(&r.output, "output", "o", "`FILE` to write to (default standard output)")
	f.Completes(flags.Files, "output")
	f.Switch(&r.force, "force", "", "overwrite the file of --output")
	f.Text(&r.out, "out", "", "`DIR` that latest searches (default results)")
	f.Completes(flags.Dirs, "out")
	f.Switch(&r.redraw, "redraw", "", "write the missing files of result directories again")
	f.Switch(&r.noColor, "no-color", "", "no color on a terminal")
	cmd.RunE = p.verb(func(_ context.Context, results []string) error { return r.run(results) })
	p.completeReport(cmd)
	return cmd
}

// reporting is the verb report at work.
type reporting struct {
	p                          *program
	flags                      *flags.Set
	format, stage, output, out string
	force, noColor, redraw     bool
}

func (r *reporting) run(results []string) error {
	problems := slices.Clone(r.flags.Problems)
	results, err := r.latest(results)
	if err != nil {
		return err
	}
	if r.redraw {
		return r.redrawn(problems, results)
	}
	results = r.runsOf(results)
	format := r.format
	if format != "hgrm" && r.flags.Written("stage") {
		problems.Add("--stage requires --format hgrm", "the other formats show every stage")
	}
	if slices.Contains([]string{"junit", "action-smaller", "action-bigger"}, format) && len(results) > 1 {
		problems.Add(fmt.Sprintf("a %s file holds one result, and several are named", format), "make one for each result")
	}
	if format == "hgrm" && len(results) > 1 {
		problems.Add("an hgrm file holds one distribution, and several results are named", "make one for each result")
	}
	output := r.output
	if output == "" && r.flags.Written("force") {
		problems.Add("--force requires --output", "")
	}
	if _, err := os.Lstat(output); output != "" && err == nil && !r.force {
		problems.Add(fmt.Sprintf("%q exists", output), "--force overwrites it")
	}
	kind := kindOf(results[0])
	if slices.ContainsFunc(results, func(name string) bool { return kindOf(name) != kind }) {
		problems.Add("different kinds of results are named: "+kindsOf(results), "report them one kind at a time")
	}
	if known := kind.Formats(); !slices.Contains(known, format) {
		problems.Add(fmt.Sprintf("%s: %q is not one of %s", r.flags.Source("format"), format, strings.Join(known, ", ")), "")
	}
	if err := problem.Usage(problems...); err != nil {
		return err
	}
	var o render.Options
	if output == "" {
		o = r.p.textOptions(r.noColor)
	}
	o.Stage = metric.Stage(r.stage)
	// All of it is made before a byte is written: a fault in the last result
	// leaves no half of a report behind.
	var all bytes.Buffer
	var runs []*result.Result
	var documents []render.Document
	for i, name := range results {
		d, err := store.Load(name)
		if errors.Is(err, fs.ErrNotExist) {
			return problem.Usage(problem.Of(err))
		}
		if err != nil {
			return err
		}
		if file := store.Checkpointed(name); file != "" {
			r.p.console.Note("report: %q is the older result; what is known of the run that replaces it: queuedyno report %s", name, file)
		}
		if run, ok := render.As[*result.Result](d); ok {
			runs = append(runs, run)
		}
		if format == "html" {
			documents = append(documents, d)
			continue
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
	if format == "html" {
		if err := render.Page(&all, documents...); err != nil {
			return err
		}
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
	return writeFile(output, all.Bytes(), r.force)
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

// runsOf leaves out, of several results, what is not a run if at least one is:
// a directory of results may hold more than runs. What cannot be read stays in,
// for its error.
func (r *reporting) runsOf(results []string) (runs []string) {
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
			notes = append(notes, fmt.Sprintf("report: %q is ignored: it holds %s", name, other))
		}
	}
	if len(runs) == 0 {
		return results
	}
	for _, n := range notes {
		r.p.console.Note("%s", n)
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
		return problem.Exit(problem.BadUsage, fmt.Sprintf("%q exists", name), "--force overwrites it")
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

// textOptions are the layout of a text report on standard output.
func (p *program) textOptions(plain bool) render.Options {
	o := render.Options{Width: console.Width(p.stdout)}
	o.Color = console.IsTerminal(p.stdout) && !plain && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb"
	return o
}

func stage(s string) (string, error) {
	words := make([]string, 0, 8)
	for _, one := range metric.Stages() {
		words = append(words, string(one))
	}
	return flags.OneOf(words...)(s)
}

// benchmarkNotes says of the runs that are to become Go benchmark text what
// benchstat cannot know: which ones are left out or in doubt, and which ones it
// takes for runs of one benchmark although their scenarios differ. It fails when
// no run is left.
func (r *reporting) benchmarkNotes(names []string, results []*result.Result) error {
	suspect, last := 0, ""
	settings := map[string][]map[string]string{}
	for i, res := range results {
		if why := render.LeftOut(res); why != "" {
			last = fmt.Sprintf("%q is excluded: %s", names[i], why)
			r.p.console.Note("report: %s", last)
			continue
		}
		if res.Validity.Verdict == result.Suspect {
			suspect++
		}
		name := render.BenchmarkName(res)
		of := res.Scenario.Settings()
		of["redis"] = strings.TrimSpace(res.Redis.Kind + " " + res.Redis.Version)
		settings[name] = append(settings[name], of)
	}
	if len(settings) == 0 {
		return problem.Exit(problem.Invalid, "no result is usable for benchstat: "+last, "make a valid run")
	}
	if suspect > 0 {
		r.p.console.Note("report: %d of %s are suspect; their reasons are comments in the file", suspect, number.Plural(len(results), "result"))
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if keys := differing(settings[name]); len(keys) > 0 {
			r.p.console.Note("report: the runs of %s differ in %s, but benchstat treats them as one benchmark", name, strings.Join(keys, ", "))
		}
	}
	return nil
}

// differing are the keys that do not have the same value everywhere.
func differing(all []map[string]string) (keys []string) {
	different := map[string]bool{}
	for _, one := range all {
		for key, value := range one {
			different[key] = different[key] || all[0][key] != value
		}
		for key, value := range all[0] {
			different[key] = different[key] || one[key] != value
		}
	}
	for _, key := range slices.Sorted(maps.Keys(different)) {
		if different[key] {
			keys = append(keys, key)
		}
	}
	return keys
}

// onePage writes the stored results of a run of several scenarios to one HTML file,
// under the first free name.
func (r *running) onePage(file string, endings []outcome.Outcome) error {
	var documents []render.Document
	for _, e := range endings {
		if e.Dir == "" {
			continue
		}
		d, err := store.Load(e.Dir)
		if err != nil {
			return fmt.Errorf("write the page of all results: %w", err)
		}
		documents = append(documents, d)
	}
	if len(documents) < 2 {
		return nil // it has its page in its directory
	}
	var b bytes.Buffer
	if err := render.Page(&b, documents...); err != nil {
		return err
	}
	file, err := store.WriteFile(file, b.Bytes())
	if err != nil {
		return fmt.Errorf("write the page of all results: %w", err)
	}
	r.p.console.Note("all results on one page: %s", file)
	return nil
}

// redrawn makes the missing files of the results.
func (r *reporting) redrawn(problems problem.List, results []string) error {
	problems = append(problems, r.flags.Refuse("does not apply with --redraw, which writes every missing file", "remove one of them", "format", "stage", "output", "force")...)
	if err := problem.Usage(problems...); err != nil {
		return err
	}
	var endings outcome.Outcomes
	for _, name := range results {
		made, err := store.Redraw(name)
		switch {
		case len(made) > 0:
			r.p.console.Note("report: %s: made %s", name, strings.Join(made, ", "))
		case err == nil:
			r.p.console.Note("report: %s: no file is missing", name)
		}
		endings.Err(err)
	}
	return outcome.Worst(endings)
}
