// Package threshold reads and writes thresholds such as "end_to_end.p99 < 50ms".
//
// A threshold is data; package gate checks it. Begin reading at [Parse].
package threshold

import (
	"math/big"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
)

// Op is how a threshold compares a metric with its limit.
type Op string

// The comparisons. Within holds on both sides: the metric may differ from the
// limit by no more than the tolerance.
const (
	Less           Op = "<"
	LessOrEqual    Op = "<="
	Greater        Op = ">"
	GreaterOrEqual Op = ">="
	Equal          Op = "=="
	NotEqual       Op = "!="
	Within         Op = "within"
)

// Threshold is a limit on one metric of a run. [Parse] makes one from text.
type Threshold struct {
	// Metric is the name of one of [metric.Metrics].
	Metric string
	Op     Op
	// Value is the limit in the base unit of the metric's kind: nanoseconds,
	// jobs, jobs per second, or a share of 1.
	Value float64
	// Tolerance is the allowed difference as a share of Value, for [Within]
	// only: 0.02 is two percent.
	Tolerance float64
	// Over cuts the measured window into parts of this length, each of which
	// has to keep the limit. Zero means the window as a whole.
	Over time.Duration
	// Abort ends the run as soon as the limit is broken, but not before After
	// of the window has passed.
	Abort bool
	After time.Duration
}

// Watched reports whether the threshold has to be looked at while the run goes
// on; what is known at its end does not decide it.
func (t Threshold) Watched() bool { return t.Over > 0 || t.Abort }

// String is the threshold in the one form in which they are shown; [Parse]
// reads it back to an equal threshold.
func (t Threshold) String() string {
	text := t.Metric
	if t.Over > 0 {
		text += " over " + metric.Duration.Write(float64(t.Over))
	}
	text += " " + string(t.Op) + " "
	if t.Op == Within {
		text += percent(t.Tolerance) + " of "
	}
	text += t.Kind().Write(t.Value)
	if t.Abort {
		text += " abort"
		if t.After > 0 {
			text += " after " + metric.Duration.Write(float64(t.After))
		}
	}
	return text
}

// Kind is the kind of the metric; of an unknown one, a count.
func (t Threshold) Kind() metric.Kind {
	m, err := metric.Lookup(t.Metric)
	if err != nil {
		return metric.Count
	}
	return m.Kind
}

// percent writes a share in percent so that it reads back to the same number.
// The product is formed exactly: 100*0.07 in floating point is not 7.
func percent(share float64) string {
	r, ok := new(big.Rat).SetString(metric.Plain(share))
	if !ok {
		return metric.Plain(share)
	}
	text := r.Mul(r, big.NewRat(100, 1)).FloatString(40)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}
