package report

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/queuedyno/queuedyno/scenario"
)

// The files of a result directory that others link to.
const (
	summaryFile     = "summary.csv"
	timelineFile    = "timeline.csv"
	intervalsFile   = "histograms.hlog"
	percentilesFile = "percentiles.svg"
	overTimeFile    = "timeline.svg"
)

// Write makes the result directory with every report in it, whole or not at
// all: the files are written into a hidden directory beside it and reach the
// disk before that gets its name. An existing directory is refused without
// force; with it, the old one stays until the new one is complete.
//
// The hlog is what an [IntervalLog] wrote during the run. Without one (nil),
// the file holds the whole window as one interval a stage.
func Write(dir string, r *scenario.Result, hlog io.Reader, force bool) error {
	dir, err := target(dir, force)
	if err != nil {
		return err
	}
	intervals := encoding(r, WholeRun)
	if hlog != nil {
		intervals = func(w io.Writer) error {
			_, err := io.Copy(w, hlog)
			return err
		}
	}
	files := []file{
		{resultFile, encoding(r, JSON)},
		{intervalsFile, intervals},
		{summaryFile, encoding(r, SummaryCSV)},
		{timelineFile, encoding(r, TimelineCSV)},
		{string(r.Scenario.Headline()) + ".hgrm", encoding(r, HGRM(r.Scenario.Headline()))},
		{percentilesFile, encoding(r, PercentilesSVG)},
		{overTimeFile, encoding(r, TimelineSVG)},
		{"report.md", encoding(r, Markdown)},
	}
	if len(r.Breakdown) > 0 {
		files = append(files, file{breakdownFile, encoding(r, BreakdownCSV)})
	}
	return writeDirectory(dir, files)
}

// file is one file of a directory: its name in it, with slashes, and what writes
// it.
type file struct {
	name   string
	encode func(io.Writer) error
}

// encoding binds an encoder to what it encodes.
func encoding[T any](data T, encode func(io.Writer, T) error) func(io.Writer) error {
	return func(w io.Writer) error { return encode(w, data) }
}

// writeDirectory makes the directory with all files in it, or nothing. It takes
// the place of one that is there.
func writeDirectory(dir string, files []file) (err error) {
	made := missingParents(dir)
	temp, err := partial(dir)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(temp)
			for _, m := range made {
				os.Remove(m) // stays where somebody else uses it by now
			}
		}
	}()
	for _, f := range files {
		if !filepath.IsLocal(f.name) {
			return fmt.Errorf("write results to %q: %q lies outside", dir, f.name)
		}
		if err := writeFile(temp, filepath.FromSlash(f.name), f.encode); err != nil {
			return fmt.Errorf("write results to %q: %w", dir, err)
		}
	}
	syncDir(temp)
	if err := swap(temp, dir); err != nil {
		return fmt.Errorf("write results to %q: %w", dir, err)
	}
	syncDir(filepath.Dir(dir))
	return nil
}

// writeFile writes one file and waits until the disk has it.
func writeFile(dir, name string, encode func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o777); err != nil {
		return fmt.Errorf("%s: %w", name, cause(err))
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return fmt.Errorf("%s: %w", name, cause(err))
	}
	c := &counter{w: f}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			err = fmt.Errorf("%s, after %d bytes: %w", name, c.n, cause(err))
		}
	}()
	b := bufio.NewWriterSize(c, 1<<16)
	if err := encode(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

// counter counts what reached the file.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// swap gives temp the name dir. A directory that has the name already steps
// aside first, comes back when that fails, and is removed only at the end.
func swap(temp, dir string) error {
	if _, err := os.Lstat(dir); err != nil {
		return os.Rename(temp, dir)
	}
	old := beside(dir, "old")
	if err := os.Rename(dir, old); err != nil {
		return err
	}
	if err := os.Rename(temp, dir); err != nil {
		if back := os.Rename(old, dir); back != nil {
			return fmt.Errorf("%w; the old results are in %q", err, old)
		}
		return err
	}
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("the new results are in place; remove the old ones: %w", err)
	}
	return nil
}

// syncDir makes names durable where the system can do that; Windows cannot and
// needs not.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
