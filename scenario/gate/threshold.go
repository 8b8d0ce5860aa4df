package gate

import (
	"math/big"
	"strings"
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
	// Metric is the name of one of [Metrics].
	Metric string
	Op     Op
	// Value is the limit in the base unit of the metric's kind: nanoseconds,
	// jobs, jobs per second, or a share of 1.
	Value float64
	// Tolerance is the allowed difference as a share of Value, for [Within]
	// only: 0.02 is two percent.
	Tolerance float64
}

// String is the threshold in the one form in which they are shown; [Parse]
// reads it back to an equal threshold.
func (t Threshold) String() string {
	limit := t.kind().write(t.Value)
	if t.Op != Within {
		return t.Metric + " " + string(t.Op) + " " + limit
	}
	return t.Metric + " within " + percent(t.Tolerance) + " of " + limit
}

// kind is the kind of the metric; of an unknown one, a count.
func (t Threshold) kind() Kind {
	m, err := Lookup(t.Metric)
	if err != nil {
		return Count
	}
	return m.Kind
}

// holds reports whether the value v keeps the limit.
func (t Threshold) holds(v float64) bool {
	switch t.Op {
	case Less:
		return v < t.Value
	case LessOrEqual:
		return v <= t.Value
	case Greater:
		return v > t.Value
	case GreaterOrEqual:
		return v >= t.Value
	case Equal:
		return v == t.Value
	case NotEqual:
		return v != t.Value
	case Within:
		low, high := t.bounds()
		return low <= v && v <= high
	default:
		return false
	}
}

// bounds are the lowest and the highest value that Within allows.
func (t Threshold) bounds() (low, high float64) {
	return t.Value * (1 - t.Tolerance), t.Value * (1 + t.Tolerance)
}

// percent writes a share in percent so that it reads back to the same number.
// The product is formed exactly: 100*0.07 in floating point is not 7.
func percent(share float64) string {
	r, ok := new(big.Rat).SetString(plain(share))
	if !ok {
		return plain(share)
	}
	text := r.Mul(r, big.NewRat(100, 1)).FloatString(40)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}
