package report

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/queuedyno/queuedyno/result"
)

// The files of a result directory that others link to.
const (
	summaryFile     = "summary.csv"
	timelineFile    = "timeline.csv"
	intervalsFile   = "histograms.hlog"
	percentilesFile = "percentiles.svg"
	overTimeFile    = "timeline.svg"
)

// Write makes the result directory with every report in it. An existing directory
// is refused without force; with it, the old one stays until the new one is
// complete. Where the result cannot go where it should, or not all of it, the
// error is a [*StoreError].
//
// It is [Reserve] and [Reservation.Write] at once, for a result that is there
// already. A run reserves its directory before it starts.
//
// The hlog is what an [IntervalLog] wrote during the run. Without one (nil),
// the file holds the whole window as one interval a stage.
func Write(dir string, r *result.Result, hlog io.Reader, force bool) error {
	owner := Owner{ID: r.Run.ID, Verb: "run", Name: r.Run.Scenario, StartedAt: r.Run.EndedAt}
	return storeIn(dir, Reserving{Owner: owner, Force: force}, runFiles(r, hlog))
}

// Write stores the result of a run.
func (r *Reservation) Write(res *result.Result, hlog io.Reader) error {
	return r.store(runFiles(res, hlog))
}

// runFiles are the files of a run, the one that counts first. The interval log
// is the only other one that cannot be made again.
func runFiles(r *result.Result, hlog io.Reader) []file {
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
		{"report.md", encoding(r, Markdown)},
		{summaryFile, encoding(r, SummaryCSV)},
		{timelineFile, encoding(r, TimelineCSV)},
		{string(r.Scenario.Headline()) + ".hgrm", encoding(r, HGRM(r.Scenario.Headline()))},
		{percentilesFile, encoding(r, PercentilesSVG)},
		{overTimeFile, encoding(r, TimelineSVG)},
	}
	if len(r.Breakdown) > 0 {
		files = append(files, file{breakdownFile, encoding(r, BreakdownCSV)})
	}
	return files
}

// storeIn reserves a directory, stores the files and releases it.
func storeIn(dir string, o Reserving, files []file) error {
	reserved, err := Reserve(dir, o)
	if err != nil {
		return err
	}
	defer reserved.Release()
	return reserved.store(files)
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

// writeFile writes one file and waits until the disk has it. Until then it has
// another name, and an older file of this name stays.
func writeFile(dir, name string, encode func(io.Writer) error) (err error) {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("%q lies outside the directory", name)
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if parent := filepath.Dir(path); parent != filepath.Clean(dir) {
		if err := os.MkdirAll(parent, 0o777); err != nil {
			return fmt.Errorf("%s: %w", name, cause(err))
		}
	}
	temp := filepath.Join(filepath.Dir(path), partialName(filepath.Base(path)))
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	if err != nil {
		return fmt.Errorf("%s: %w", name, cause(err))
	}
	c := &counter{w: f}
	defer func() {
		if err != nil {
			os.Remove(temp)
			err = fmt.Errorf("%s, after %d bytes: %w", name, c.n, cause(err))
		}
	}()
	b := bufio.NewWriterSize(c, 1<<16)
	err = encode(b)
	if err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// partialName is the name that a file has until it is complete.
func partialName(name string) string { return "." + name + ".partial" }

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
