package gate

import (
	"fmt"
	"math"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/result"
)

// limit is a threshold with the arithmetic of its limit.
type limit threshold.Threshold

func (t limit) kind() metric.Kind { return threshold.Threshold(t).Kind() }

// Check decides one threshold. The function value answers for the metric: its
// value in the base unit of its kind, or ok false and the reason why there is
// none; v is then what the value is at least, 0 where nothing is known and +Inf
// where jobs never arrived. A non-empty invalid says why the whole run cannot be
// believed. On an invalid run, and without a value that decides, the threshold is
// undecided.
func Check(t threshold.Threshold, value func(metric string) (v float64, reason string, ok bool), invalid string) result.Threshold {
	l := limit(t)
	o := result.Threshold{Expr: t.String(), Limit: t.Value}
	v, reason, ok := value(t.Metric)
	if ok && (math.IsNaN(v) || math.IsInf(v, 0)) {
		// Not a number differs from every limit, and so would pass "!= 0".
		ok, v, reason = false, 0, "its value is not a finite number"
	}
	o.Undecided = !ok
	switch {
	case ok:
		o.Value = &v
		if share, has := l.margin(v); has {
			o.Margin = &share
		}
		o.Passed = l.holds(v)
		o.Reason = l.explain(v)
	case reason == "":
		o.Reason = t.Metric + " has no value"
	default:
		o.Reason = t.Metric + " has no value: " + reason
		l.bound(&o, v)
	}
	if invalid != "" {
		o.Passed, o.Undecided = false, true
		o.Reason = fmt.Sprintf("not decided, since %s; %s", invalid, o.Reason)
	}
	return o
}

// bound decides a threshold on a metric that has no value but is at least v, where
// that is enough. An infinite value passes nothing.
func (t limit) bound(o *result.Threshold, v float64) {
	if v <= 0 {
		return
	}
	low, high, open := t.bounds()
	endless := math.IsInf(v, 1)
	broken := v > high || open && v == high || endless
	o.Passed = !math.IsInf(low, -1) && math.IsInf(high, 1) && t.holds(v) && !endless
	if o.Undecided = !broken && !o.Passed; !o.Undecided && !endless {
		o.Reason += "; it is at least " + t.kind().Show(v) + ", which decides"
	}
}

// explain says how the value v stands to the limit.
func (t limit) explain(v float64) string {
	k := t.kind()
	if low, high, _ := t.bounds(); t.Op == threshold.Within {
		switch {
		case v < low:
			return k.Compare(v, low)
		case v > high:
			return k.Compare(v, high)
		}
		return fmt.Sprintf("%s lies between the limits of %s and %s", k.Show(v), k.Show(low), k.Show(high))
	}
	exactly := map[threshold.Op]string{
		threshold.Equal: "exactly what is required", threshold.NotEqual: "exactly what is not allowed",
		threshold.Less: "the limit itself; less is required", threshold.Greater: "the limit itself; more is required",
	}[t.Op]
	if v != t.Value || exactly == "" {
		return k.Compare(v, t.Value)
	}
	return k.Show(v) + " is " + exactly
}

// holds reports whether the value v keeps the limit.
func (t limit) holds(v float64) bool {
	low, high, open := t.bounds()
	return low <= v && v <= high && !(open && v == t.Value)
}

// margin is how far v is on the good side of the limit, as a share of it;
// negative on the bad side. ok is false where the limit has no good side, or is
// zero and so has no share.
func (t limit) margin(v float64) (share float64, ok bool) {
	if t.Value == 0 {
		return 0, false
	}
	over := (v - t.Value) / t.Value
	switch t.Op {
	case threshold.Less, threshold.LessOrEqual:
		return -over, true
	case threshold.Greater, threshold.GreaterOrEqual:
		return over, true
	case threshold.Within:
		return t.Tolerance - max(over, -over), true
	}
	return 0, false
}

// bounds are the lowest and the highest value that keep the limit; open says that the
// limit itself does not.
func (t limit) bounds() (low, high float64, open bool) {
	low, high = math.Inf(-1), math.Inf(1)
	switch t.Op {
	case threshold.Less, threshold.LessOrEqual:
		high = t.Value
	case threshold.Greater, threshold.GreaterOrEqual:
		low = t.Value
	case threshold.Equal:
		low, high = t.Value, t.Value
	case threshold.Within:
		low, high = t.Value*(1-t.Tolerance), t.Value*(1+t.Tolerance)
	}
	return low, high, t.Op == threshold.Less || t.Op == threshold.Greater || t.Op == threshold.NotEqual
}
