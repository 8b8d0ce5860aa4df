package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/threshold"
)

// Unanswerable says which thresholds cannot be decided because the load is too short
// for their quantiles, and which length would do. They stay undecided unless the run
// surely breaks them. Thresholds that cannot be read are ignored, and so are all of
// them if the warm-up leaves nothing of the load; see [Scenario.Validate].
func (s Scenario) Unanswerable() (all []string) {
	s = s.WithDefaults()
	rate, schedule, varies := s.Load.Rate.Float(), s.Schedule(), s.Load.Varies()
	if !s.Load.Open() || !varies && rate <= 0 || varies && len(schedule.Steps) == 0 && schedule.Times == nil {
		return nil
	}
	window := s.Window().Seconds()
	if window <= 0 {
		return nil
	}
	held := math.Floor(rate*window + 1e-9)
	if varies {
		held = schedule.Expected(s.Load.Duration)
		if n := s.Load.Jobs; n > 0 {
			held = min(held, float64(n))
		}
		held = math.Round(held - schedule.Expected(s.Warmup))
	}
	for _, expr := range s.Thresholds {
		t, err := threshold.Parse(expr)
		if err != nil {
			continue
		}
		part := window
		if over := t.Over.Seconds(); over > 0 {
			if window < over-0.5 {
				all = append(all, fmt.Sprintf("%s: the window of %s is shorter than %s", t, inSeconds(window), t.Over))
				continue
			}
			part = over
			if varies {
				continue // how many jobs a part holds depends on the part
			}
		}
		stage, aggregate, _ := strings.Cut(t.Metric, ".")
		q, isQuantile := metric.QuantileShare(aggregate)
		if !isQuantile || !slices.Contains(s.Measured(), metric.Stage(stage)) {
			continue
		}
		need := math.Ceil(latency.MinTail/(1-q) - 1e-9)
		jobs := held
		if t.Over > 0 {
			jobs = math.Floor(rate*part + 1e-9)
		}
		if jobs >= need {
			continue
		}
		what, remedy := "the window has", "use a longer load or a higher rate"
		if !varies {
			remedy = fmt.Sprintf("use a load of at least %s", inSeconds(s.Warmup.Seconds()+math.Ceil(need/rate)))
		}
		if t.Over > 0 {
			what, remedy = "a part of "+t.Over.String()+" has", fmt.Sprintf("use over %s", inSeconds(math.Ceil(need/rate)))
		}
		all = append(all, fmt.Sprintf("%s: %s needs %s jobs, and %s %s; %s", t, aggregate, group(int64(need)), what, group(int64(jobs)), remedy))
	}
	return all
}

// Window is how long the measured part of the load takes as far as its schedule says: 0
// for a closed loop that a number of jobs ends, and less than 0 where the warm-up leaves
// nothing of the load.
func (s Scenario) Window() time.Duration {
	s = s.WithDefaults()
	length := s.Load.Duration
	if rate, n := s.Load.Rate.Float(), s.Load.Jobs; n > 0 && rate > 0 && !s.Load.Varies() {
		if last := float64(n) / rate; length == 0 || last < length.Seconds() {
			length = time.Duration(last * float64(time.Second))
		}
	}
	if length == 0 {
		return 0
	}
	return length - s.Warmup
}

// ScaleThresholds lowers the quantiles of thresholds that the load cannot decide to
// the highest ones that it can, with the same limits, and drops those that have
// none. It keeps the thresholds in keep. The notes say what was changed. It is for
// scenarios whose load was changed after their thresholds were written.
func (s *Scenario) ScaleThresholds(keep []string) (notes []string) {
	var kept []string
	for _, expr := range s.Thresholds {
		one := *s
		one.Thresholds = []string{expr}
		t, err := threshold.Parse(expr)
		if err != nil || slices.Contains(keep, expr) || len(one.Unanswerable()) == 0 {
			kept = append(kept, expr)
			continue
		}
		was := t.String()
		stage, aggregate, _ := strings.Cut(t.Metric, ".")
		from, _ := metric.QuantileShare(aggregate)
		found := false
		for _, lower := range []string{"p99.9", "p99", "p95", "p90", "p75", "p50"} {
			if q, _ := metric.QuantileShare(lower); q >= from {
				continue
			}
			t.Metric = stage + "." + lower
			if one.Thresholds = []string{t.String()}; len(one.Unanswerable()) == 0 {
				found = true
				break
			}
		}
		if !found {
			notes = append(notes, fmt.Sprintf("threshold %s is ignored: the load has too few jobs to decide it", was))
			continue
		}
		notes = append(notes, fmt.Sprintf("threshold %s becomes %s: the load has too few jobs for %s", was, t, aggregate))
		kept = append(kept, t.String())
	}
	s.Thresholds = kept
	return notes
}

func inSeconds(s float64) string {
	return time.Duration(math.Round(s * float64(time.Second))).Round(time.Millisecond).String()
}
