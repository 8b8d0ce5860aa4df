package outcome

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/flags"
	"github.com/queuedyno/queuedyno/internal/flight"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/rowlength"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/scenario"
)

// Directory says where the results of a verb go.
type Directory struct {
	Parent, Name string
	Force        bool
}

func Declare(set *flags.Set) *Directory {
	o := &Directory{Parent: "results"}
	set.Group("Output")
	set.Text(&o.Parent, "out", "o", "`DIR` for the result directories (default results)")
	set.Completes(flags.Dirs, "out")
	flags.Var(set, &o.Name, "name", "", "`NAME` of the result directory (default <scenario>-<UTC time>)", ReadName)
	set.Switch(&o.Force, "force", "", "replace an existing result directory")
	return o
}

// ReadName reads the name of a result directory.
func ReadName(s string) (string, error) {
	switch {
	case strings.TrimSpace(s) == "":
		return "", errors.New("it is empty")
	case s == "." || s == "..", strings.ContainsAny(s, `/\`), !filepath.IsLocal(s):
		return "", fmt.Errorf("%q is not the name of one directory; --out says where it is made", s)
	case strings.HasPrefix(s, "."):
		return "", fmt.Errorf("%q would be hidden", s)
	}
	return s, nil
}

// Place is where a result is to go.
type Place struct {
	Dir string
	How store.Reserving
}

// Place is where a verb puts the result of a scenario. A name made of the prefix and
// the time gives way to an existing directory; a name that was given does not.
func (o *Directory) Place(verb, scenarioName, prefix string, now time.Time) Place {
	at := Place{How: store.Reserving{
		Owner: store.Owner{ID: flight.NewID(), Verb: verb, Name: scenarioName, StartedAt: now.UTC()},
		Force: o.Force,
	}}
	if o.Name != "" {
		at.Dir = filepath.Join(o.Parent, o.Name)
		return at
	}
	at.Dir = filepath.Join(o.Parent, prefix+"-"+stamp(now))
	at.How.Generated, at.How.Force = true, false
	return at
}

// Page is the file for a page of several results.
func (o *Directory) Page(now time.Time) string {
	return filepath.Join(o.Parent, "report-"+stamp(now)+".html")
}

// stamp is a time as names have it.
func stamp(t time.Time) string { return t.UTC().Format("20060102-150405Z") }

// Check says whether the place can be had, before anything is started.
func (p Place) Check() error { return store.Check(p.Dir, p.How) }

// Reserve makes the result directories the verb's own. It returns them all, or an
// error of the command line: another run was faster.
func Reserve(con *console.Console, verb string, places ...Place) ([]*store.Reservation, error) {
	var all []*store.Reservation
	var problems problem.List
	for _, p := range places {
		reserved, err := store.Reserve(p.Dir, p.How)
		if err != nil {
			problems = append(problems, problem.Of(err))
			continue
		}
		all = append(all, reserved)
		if note := reserved.Note(); note != "" {
			con.Note("%s: %s", verb, note)
		}
	}
	if len(problems) > 0 {
		Release(all)
		return nil, problem.Usage(problems...)
	}
	return all, nil
}

// Release ends reservations. Where nothing was stored, nothing is left: the first
// one made the directory above them, so it comes last.
func Release(all []*store.Reservation) {
	for _, r := range slices.Backward(all) {
		r.Release()
	}
}

// Kept ends the reservation of a directory in which a result was stored with that error.
// It returns the directory that holds the result, empty for none.
func Kept(r *store.Reservation, err error) string {
	r.Release()
	return KeptIn(r, err)
}

// KeptIn is the directory that holds a result after it was stored with that error,
// empty for none.
func KeptIn(r *store.Reservation, err error) string {
	var e *store.Error
	switch {
	case err == nil:
		return r.Dir()
	case errors.As(err, &e):
		return e.Dir
	}
	return ""
}

// What a result takes on a disk, measured with every stage in use and rounded up: a
// run's record grows by a row a second, and the other files by more.
const (
	RoomForRecord = 64 << 10
	RoomForFiles  = 512 << 10
	recordASecond = 4 << 10
	filesASecond  = 16 << 10
)

// Room refuses a place on a disk that cannot take even the records of the results,
// and warns of one that cannot take all files.
func (p Place) Room(con *console.Console, verb string, record, all float64) problem.List {
	dir := existingParent(p.Dir)
	free, known := freeSpace(dir)
	if !known || free >= all {
		return nil
	}
	const remedy = "free some space, or choose another place with --out"
	what := fmt.Sprintf("the disk of %q has %s left, and the results take about %s", dir, console.Bytes(free), console.Bytes(all))
	if free < record {
		return problem.List{{What: what, Hint: remedy}}
	}
	con.Note("%s: %s: files may be missing at the end; %s", verb, what, remedy)
	return nil
}

// RoomForRuns is what the results of runs take: their records alone, and all files.
func RoomForRuns(all []scenario.Scenario) (record, files float64) {
	for _, s := range all {
		// A row is as large however many seconds it holds, but for the buckets of its
		// histograms, of which more are in use.
		seconds := min(s.Load.Duration.Seconds(), 2*rowlength.Most)
		record += RoomForRecord + recordASecond*seconds
		files += RoomForFiles + (recordASecond+filesASecond)*seconds
	}
	return record, files
}

// existingParent is the directory, or the nearest one above it that exists.
func existingParent(dir string) string {
	for {
		if i, err := os.Stat(dir); err == nil && i.IsDir() {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return dir
		}
		dir = up
	}
}
