package compare

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/queuedyno/queuedyno/internal/paired"
	"github.com/queuedyno/queuedyno/result"
)

// Calibration is the noise of the figures of one scenario on one host, the content
// of calibration.json. It comes from a comparison of the baseline with itself.
type Calibration struct {
	Schema int `json:"schema"`
	// Kind is "calibration".
	Kind      string       `json:"kind"`
	Name      string       `json:"name"`
	Tool      result.Tool  `json:"tool"`
	Host      result.Host  `json:"host"`
	Redis     result.Redis `json:"redis"`
	StartedAt time.Time    `json:"started_at"`
	EndedAt   time.Time    `json:"ended_at"`
	// Settings are those of both arms.
	Settings map[string]string `json:"settings"`
	// Pairs is how many pairs it was made from, For how many the margins are.
	Pairs     int              `json:"pairs"`
	For       int              `json:"for_pairs"`
	Metrics   map[string]Noise `json:"metrics"`
	Resampled Resampled        `json:"resampled"`
	Warnings  []string         `json:"warnings"`
}

// Noise is that of one metric.
type Noise struct {
	// Median is that of all runs.
	Median float64 `json:"median"`
	// Spread is the robust standard deviation of the logarithm of a pair's ratio.
	Spread float64 `json:"spread"`
	// Smallest is the smallest margin that can be decided, in four of five
	// comparisons in which nothing changed; Margin one that nearly all of them
	// decide, which is what comparisons take.
	Smallest float64 `json:"smallest"`
	Margin   float64 `json:"margin"`
	Gate     bool    `json:"gate"`
}

// Resampled are the verdicts of comparisons resampled from these pairs, in which
// nothing changed.
type Resampled struct {
	Comparisons  int     `json:"comparisons"`
	Pairs        int     `json:"pairs"`
	Fail         float64 `json:"fail"`
	Pass         float64 `json:"pass"`
	Inconclusive float64 `json:"inconclusive"`
}

// resamples is how many comparisons are drawn.
const resamples = 1000

// Calibrate works out the noise from a comparison of a baseline with itself, and
// the margins for comparisons of so many pairs.
func Calibrate(r *Record, pairs int) *Calibration {
	c := &Calibration{
		Schema: Schema, Kind: "calibration", Name: r.Name, Tool: r.Tool, Host: r.Host, Redis: r.Base.Redis,
		StartedAt: r.StartedAt, EndedAt: r.EndedAt, Settings: r.Base.Settings, For: pairs, Pairs: r.Pairs,
		Metrics: map[string]Noise{}, Warnings: append([]string{}, r.Warnings...),
	}
	all, _ := r.paired()
	var metrics []paired.Metric
	for _, f := range r.Figures {
		if f.Pairs < paired.LeastPairs {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s had a value in only %d pairs, too few for an estimate of its noise", f.Name, f.Pairs))
			continue
		}
		smallest := paired.Detectable(f.Spread, pairs)
		n := Noise{Median: (f.Base + f.Candidate) / 2, Spread: f.Spread, Smallest: smallest, Gate: f.Gate}
		n.Margin = enough(f.Metric, all, pairs, round(math.Expm1(surely*math.Log1p(smallest))), r.Seed)
		c.Metrics[f.Name] = n
		if f.Gate {
			m := f.Metric
			m.Margin = n.Margin
			metrics = append(metrics, m)
		}
		if f.Verdict == paired.Fail {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s differed between two identical sides: the host drifts or alternates with the runs", f.Name))
		}
	}
	c.Resampled = resample(metrics, all, pairs, resamples, r.Seed)
	return c
}

// surely is how much further off the margin a metric has to lie so that it is
// decided in 95 and not in 80 of 100 comparisons, at the error of one look of
// four: (2.054+1.645)/(1.645+0.842).
const surely = 1.5

// enough is the smallest margin, from a first one up, with which the metric alone
// is decided in 95 of 100 comparisons drawn from the pairs. The spread ignores outliers, and a host
// may have many.
func enough(m paired.Metric, from []paired.Pair, pairs int, margin float64, seed uint64) float64 {
	m.Gate = true
	for m.Margin = margin; m.Margin < widest; m.Margin = round(m.Margin * 1.01) {
		if resample([]paired.Metric{m}, from, pairs, resamples/4, seed).Pass >= 0.95 {
			break
		}
	}
	return m.Margin
}

// widest is the largest margin that still deserves the name.
const widest = 10

// round rounds a margin up to a number that one would choose.
func round(margin float64) float64 {
	const least = 0.01
	for decade := least; decade <= 100; decade *= 10 {
		for _, step := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8} {
			if nice := step * decade; nice >= margin-1e-12 {
				return math.Round(nice*1e6) / 1e6
			}
		}
	}
	return margin
}

// resample makes comparisons whose pairs are drawn from these, with random sides,
// since both sides are the same.
func resample(metrics []paired.Metric, from []paired.Pair, pairs, times int, seed uint64) Resampled {
	out := Resampled{Comparisons: times, Pairs: pairs}
	each := 1 / float64(times)
	if len(from) == 0 || len(metrics) == 0 {
		return Resampled{}
	}
	plan := paired.Within(pairs)
	r := rand.New(rand.NewPCG(seed, 5))
	for range times {
		var drawn []paired.Pair
		verdict := paired.Inconclusive
		for len(drawn) < pairs && verdict == paired.Inconclusive {
			p := from[r.IntN(len(from))]
			if r.IntN(2) == 1 {
				p.Base, p.Candidate = p.Candidate, p.Base
			}
			if drawn = append(drawn, p); plan.Look(len(drawn)) {
				verdict = paired.Judge(metrics, drawn, plan.Alpha).Verdict
			}
		}
		switch verdict {
		case paired.Fail:
			out.Fail += each
		case paired.Pass:
			out.Pass += each
		default:
			out.Inconclusive += each
		}
	}
	return out
}

// mostFalse is the largest share of comparisons that may fail although nothing changed.
const mostFalse = 0.05

// Verdict is valid where comparisons with these margins can be trusted: of those that
// were resampled, in which nothing changed, at most 5% failed. It is suspect where more
// failed, and empty where none were resampled.
func (c *Calibration) Verdict() string {
	switch {
	case c.Resampled.Comparisons == 0:
		return ""
	case c.Resampled.Fail > mostFalse:
		return result.Suspect
	}
	return result.Valid
}

// Widest is the gating metric with the largest margin, the first by name of several.
// The name is empty without one.
func (c *Calibration) Widest() (name string, noise Noise) {
	for _, m := range slices.Sorted(maps.Keys(c.Metrics)) {
		if n := c.Metrics[m]; n.Gate && n.Margin > noise.Margin {
			name, noise = m, n
		}
	}
	return name, noise
}

// Foreign says why the calibration is not one for the comparison r, empty when
// it is.
func (c *Calibration) Foreign(r *Record) []string {
	var why []string
	if a, b := c.Host, r.Host; a.CPUModel != b.CPUModel || a.CPUs != b.CPUs || a.OS != b.OS || a.Arch != b.Arch {
		why = append(why, fmt.Sprintf("it was made on another host (%d × %s)", a.CPUs, a.CPUModel))
	} else if a.CPULimit != b.CPULimit {
		why = append(why, "it was made under another CPU limit")
	}
	for _, name := range []string{"scenario", "load", "work", "consumers", "worker", "redis"} {
		if a, b := c.Settings[name], r.Base.Settings[name]; a != "" && a != b {
			why = append(why, fmt.Sprintf("its %s was %s, not %s", name, a, b))
		}
	}
	return why
}
