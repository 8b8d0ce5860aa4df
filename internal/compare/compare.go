package compare

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/queuedyno/queuedyno/internal/paired"
)

// Options are how a comparison is made.
type Options struct {
	// Metrics are what is compared. Nil means that they are only known by the
	// first pair; then Found names them, and may name the figures of its runs.
	// [ErrNothingShared] from it ends the comparison without a decision.
	Metrics []paired.Metric
	Found   func(base, candidate *Run) ([]paired.Metric, error)
	// Run makes one run. Runs of a pair have the same seed and so the same
	// arrivals. An error in the first two runs ends the comparison; a later one
	// makes its run invalid.
	Run func(ctx context.Context, side Side, pair int, seed uint64) (Run, error)
	// Idle samples the host for a moment between runs.
	Idle func(ctx context.Context) (Idle, error)
	// Patience is how often the check is repeated on a busy host before the run is
	// made anyway.
	Patience int
	// All makes all pairs, also after a decision.
	All bool
	// Next is called before each run, Done after each pair that counts or not.
	// Both may be nil.
	Next func(side Side, pair int, left time.Duration)
	Done func(pair int)
	Look func(verdict paired.Verdict)
}

// Compare makes pairs of runs until they decide or r.MostPairs is reached, and
// completes the record r, of which Seed, MostPairs and the arms are given. The
// record is complete, as far as it goes, also when an error is returned. The end
// of ctx ends the comparison with the pairs so far and is not an error.
func Compare(ctx context.Context, r *Record, o Options) error {
	plan := paired.Within(r.MostPairs)
	r.Looks, r.Alpha, r.Verdict = plan.Looks, plan.Alpha, paired.Inconclusive
	c := &course{r: r, o: o, plan: plan, began: time.Now()}
	// Excluded pairs are replaced, up to a limit.
	order := paired.Order(r.Seed, r.MostPairs+2*allowed(r.MostPairs))
	for n := 1; n <= len(order); n++ {
		if err := c.pair(ctx, n, order[n-1]); err != nil {
			if ctx.Err() != nil {
				r.Interrupted = true
				break
			}
			r.judge(c.o.Metrics)
			if errors.Is(err, ErrNothingShared) {
				r.Verdict, r.Reasons = paired.Inconclusive, []string{err.Error()}
				return nil
			}
			return err
		}
		if c.look() {
			return nil
		}
	}
	r.judge(c.o.Metrics)
	if r.Interrupted {
		// A verdict here would be an unplanned interim look.
		r.Verdict = paired.Inconclusive
		r.Reasons = append([]string{"it was interrupted; the figures are those of the pairs so far"}, r.Reasons...)
	}
	return nil
}

// ErrNothingShared says that no figure of one side has a counterpart on the other.
var ErrNothingShared = errors.New("the two sides share no figure")

// course is a comparison under way.
type course struct {
	r     *Record
	o     Options
	plan  paired.Plan
	began time.Time
	made  int // runs
	// looked is after how many pairs it was looked last.
	looked int
}

// pair makes the n-th pair, once more when the host was disturbed.
func (c *course) pair(ctx context.Context, n int, candidateFirst bool) error {
	sides := []Side{Base, Candidate}
	if candidateFirst {
		sides = []Side{Candidate, Base}
	}
	for {
		first := len(c.r.Runs)
		for _, side := range sides {
			if err := c.run(ctx, side, n); err != nil {
				c.r.Runs = c.r.Runs[:first] // half a pair says nothing
				return err
			}
		}
		a, b := &c.r.Runs[first], &c.r.Runs[first+1]
		if c.o.Metrics == nil {
			base, candidate := a, b
			if candidateFirst {
				base, candidate = b, a
			}
			metrics, err := c.o.Found(base, candidate)
			c.o.Metrics = metrics
			if err != nil {
				return err
			}
		}
		if (a.disturbed() != "" || b.disturbed() != "") && c.r.Repeated < allowed(c.r.MostPairs) {
			c.r.Repeated++
			a.Left, b.Left = leftDisturbed, leftDisturbed
			continue
		}
		c.r.counts()
		if c.o.Done != nil {
			c.o.Done(n)
		}
		return nil
	}
}

// run makes one run, if possible on a quiet host.
func (c *course) run(ctx context.Context, side Side, n int) error {
	if c.o.Next != nil {
		c.o.Next(side, n, c.left())
	}
	var idle Idle
	for try := 0; ; try++ {
		var err error
		if idle, err = c.o.Idle(ctx); err != nil {
			return err
		}
		if idle = idle.Judge(); idle.Quiet || try >= c.o.Patience {
			break
		}
	}
	seed := (c.r.Seed+uint64(n)*0x9e3779b97f4a7c15)>>11 | 1 // a whole number in JSON everywhere
	run, err := c.o.Run(ctx, side, n, seed)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		if len(c.r.Runs) < 2 {
			return fmt.Errorf("run of the %s: %w", side, err)
		}
		run = Run{Left: leftBroken, Reasons: []string{err.Error()}, StartedAt: time.Now()}
	}
	run.Pair, run.Side, run.Seed, run.Idle = n, side, seed, idle
	c.r.Runs = append(c.r.Runs, run)
	c.made++
	return nil
}

// look reports whether the comparison is over: the planned looks decide, or too
// many runs cannot be believed.
func (c *course) look() (over bool) {
	if why := c.r.spoilt(); why != "" {
		c.r.judge(c.o.Metrics)
		return true
	}
	pairs, _ := c.r.paired()
	n := len(pairs)
	if !c.plan.Look(n) || n == c.looked {
		return false
	}
	c.looked = n
	decided := c.r.judge(c.o.Metrics)
	if c.o.Look != nil {
		c.o.Look(c.r.Verdict)
	}
	return n >= c.r.MostPairs || decided && !c.o.All
}

// left is how long the rest takes at most, 0 while that is not known.
func (c *course) left() time.Duration {
	if c.made == 0 {
		return 0
	}
	pairs, _ := c.r.paired()
	each := time.Since(c.began) / time.Duration(c.made)
	return each * time.Duration(max(0, 2*(c.r.MostPairs-len(pairs))-c.made%2))
}

// LeastPairs is how many pairs it takes at least for the metrics that gate to be
// able to fail: so many signs that agree are rarer than the error allows.
func LeastPairs(metrics []paired.Metric) int {
	gates := 0
	for _, m := range metrics {
		if m.Gate {
			gates++
		}
	}
	for n := paired.LeastPairs; ; n++ {
		if alpha := paired.Within(n).Alpha / float64(max(gates, 1)); 1/float64(uint64(1)<<n) <= alpha {
			return n
		}
	}
}
