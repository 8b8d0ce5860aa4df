// Package verify proves a measurement on the machine it runs on, by experiments
// whose answers are known before they are made: a server that is stopped for
// half a second, workers that pause, a queue that theory solves, faults planted
// one by one.
//
// It judges queuedyno and the host together, never a user's Redis: it wants a
// separate server that may be stopped, and refuses to begin without one. It
// starts no server, and prints nothing but through [Text]. It asks each
// question at most twice, and says when it did. Begin reading at [Run] and at
// the list in plan.go.
package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/runname"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
)

// Server is the Redis that the experiments are made on.
type Server struct {
	// URL is what to connect with. It may hold a secret; no report shows it.
	URL string
	// Stall stops the whole server for d and then lets it go on. It returns
	// after that, or at once when ctx ends, with the server going on either
	// way. Required.
	Stall func(ctx context.Context, d time.Duration) error
}

// Options are what [Run] needs.
type Options struct {
	Server Server
	// Only names the experiments to make, by [Names]. Empty means all.
	Only []string
	// Seed makes the Poisson arrivals repeatable. Zero means other ones each
	// time, which is the stronger proof.
	Seed uint64
	// Progress is called before each try of an experiment. It may be nil.
	Progress func(Progress)
	// Tool and Redis are copied to the results that are made on the way.
	Tool  result.Tool
	Redis result.Redis
}

// Progress is what is known before a try of an experiment.
type Progress struct {
	Name      string
	Question  string
	Index, Of int           // from 1
	Try       int           // 1, or 2 when the first try failed
	Left      time.Duration // about how long everything will still take
}

// Report is what the experiments showed. It is plain data; [Text] shows it.
type Report struct {
	Tool        result.Tool  `json:"tool"`
	Redis       result.Redis `json:"redis"`
	Host        result.Host  `json:"host"`
	StartedAt   time.Time    `json:"started_at"`
	ElapsedS    float64      `json:"elapsed_s"`
	Experiments []Experiment `json:"experiments"`
	// Pass is true when every experiment passed.
	Pass bool `json:"pass"`
	// Meaning says in two sentences what that means for a reader who is not a
	// statistician.
	Meaning string `json:"meaning"`
}

// Experiment is one question with a known answer.
type Experiment struct {
	Name     string `json:"name"`
	Question string `json:"question"`
	// Setup says what was done.
	Setup string `json:"setup"`
	Rows  []Row  `json:"rows"`
	// Notes say what a reader of the rows should know, such as a busy host.
	Notes []string `json:"notes"`
	// Tries is 1, or 2 when the first try failed; the rows are the last one's.
	Tries int  `json:"tries"`
	Pass  bool `json:"pass"`
}

// Row holds one measured figure against what it should be.
type Row struct {
	What string `json:"what"`
	// Expected is null for a figure that is only shown.
	Expected *float64 `json:"expected"`
	// Measured is null when the run could not say; the row then fails.
	Measured  *float64 `json:"measured"`
	Tolerance *float64 `json:"tolerance"`
	// Unit is ms, jobs or ratio.
	Unit string `json:"unit"`
	Pass bool   `json:"pass"`
}

// Names are the experiments in the order in which they are made.
func Names() []string {
	var names []string
	for _, e := range plan() {
		names = append(names, e.name)
	}
	return names
}

// ErrUnknown is matched by the error of [Run] for a name in Options.Only that is
// none of [Names].
var ErrUnknown = errors.New("unknown experiment")

// maxTries is how often an experiment is made: machines have bad moments, and a
// second chance says so without letting a fault pass for one.
const maxTries = 2

// Run makes the experiments, one after the other, and returns what they showed.
// That an experiment failed is in the report and is no error; an error means
// that the experiments could not be made, and the report then holds those that
// were. When ctx ends it stops at once, leaves the server going, and returns
// ctx's error.
func Run(ctx context.Context, o Options) (Report, error) {
	chosen, err := choose(o.Only)
	if err != nil {
		return Report{}, err
	}
	if o.Server.URL == "" || o.Server.Stall == nil {
		return Report{}, errors.New("verify: it needs a separate server that may be stopped")
	}
	began := time.Now()
	report := Report{Tool: o.Tool, Redis: o.Redis, StartedAt: began.Round(0).UTC(), Experiments: []Experiment{}}
	r := &rig{o: o}
	for i, e := range chosen {
		made, err := r.make(ctx, e, func(try int) Progress {
			return Progress{Name: e.name, Question: e.question, Index: i + 1, Of: len(chosen), Try: try, Left: left(chosen[i:])}
		})
		if err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return r.finish(report, began), fmt.Errorf("verify %s: %w", e.name, err)
		}
		report.Experiments = append(report.Experiments, made)
	}
	report = r.finish(report, began)
	report.Pass = !slices.ContainsFunc(report.Experiments, func(x Experiment) bool { return !x.Pass })
	report.Meaning = meaning(report, len(plan()))
	return report, nil
}

// make makes an experiment, and once more if it fails.
func (r *rig) make(ctx context.Context, e experiment, about func(try int) Progress) (Experiment, error) {
	before := []string{} // what the tries before this one showed
	for try := 1; ; try++ {
		if r.o.Progress != nil {
			r.o.Progress(about(try))
		}
		x := Experiment{Name: e.name, Question: e.question, Setup: e.setup, Rows: []Row{}, Notes: before, Tries: try}
		from := len(r.results)
		if err := e.do(ctx, r, &x); err != nil {
			return x, err
		}
		if x.judge(); !x.Pass {
			x.busy(r.results[from:])
		}
		if x.Pass || try == maxTries {
			return x, nil
		}
		before = x.failure()
	}
}

// finish fills in what the runs reported about where they ran.
func (r *rig) finish(report Report, began time.Time) Report {
	report.ElapsedS = time.Since(began).Seconds()
	if n := len(r.results); n > 0 {
		report.Host = r.results[n-1].Host
		report.Redis = r.results[n-1].Redis
	}
	if report.Redis.Config == nil {
		report.Redis.Config = map[string]string{}
	}
	return report
}

// connect opens a client on a separate queue.
func (r *rig) connect(ctx context.Context, id string) (*jobqueue.Client, error) {
	queue, channel := runname.Of(id)
	return jobqueue.Connect(ctx, jobqueue.Config{URL: r.o.Server.URL, Queue: queue, Channel: channel})
}
