package threshold

import (
	"fmt"
	"math"
)

// Check decides one threshold. The function value answers for the metric: its
// value in the base unit of its kind, or ok false and the reason why there is
// none; v is then what the value is at least, 0 where nothing is known and +Inf
// where jobs never arrived. A non-empty invalid says why the whole run cannot be
// believed. On an invalid run, and without a value that decides, the threshold is
// undecided.
func Check(t Threshold, value func(metric string) (v float64, reason string, ok bool), invalid string) Outcome {
	o := Outcome{Expr: t.String(), Limit: t.Value}
	v, reason, ok := value(t.Metric)
	if ok && (math.IsNaN(v) || math.IsInf(v, 0)) {
		// Not a number differs from every limit, and so would pass "!= 0".
		ok, v, reason = false, 0, "its value is not a finite number"
	}
	o.Undecided = !ok
	switch {
	case ok:
		o.Value = &v
		if share, has := t.margin(v); has {
			o.Margin = &share
		}
		o.Passed = t.holds(v)
		o.Reason = t.explain(v)
	case reason == "":
		o.Reason = t.Metric + " has no value"
	default:
		o.Reason = t.Metric + " has no value: " + reason
		t.bound(&o, v)
	}
	if invalid != "" {
		o.Passed, o.Undecided = false, true
		o.Reason = fmt.Sprintf("not decided, since %s; %s", invalid, o.Reason)
	}
	return o
}

// bound decides a threshold on a metric that has no value but is at least v, where
// that is enough. An infinite value passes nothing.
func (t Threshold) bound(o *Outcome, v float64) {
	if v <= 0 {
		return
	}
	broken := false
	switch high := t.Value; t.Op {
	case Less:
		broken = v >= high
	case LessOrEqual, Equal:
		broken = v > high
	case Within:
		_, high = t.bounds()
		broken = v > high
	case Greater, GreaterOrEqual:
		o.Passed = t.holds(v) && !math.IsInf(v, 1)
	}
	broken = broken || math.IsInf(v, 1)
	if o.Undecided = !broken && !o.Passed; !o.Undecided && !math.IsInf(v, 1) {
		o.Reason += "; it is at least " + t.kind().Show(v) + ", which decides"
	}
}

// explain says how the value v stands to the limit.
func (t Threshold) explain(v float64) string {
	k := t.kind()
	switch t.Op {
	case Equal:
		if v == t.Value {
			return k.Show(v) + " is exactly what is required"
		}
	case NotEqual:
		if v == t.Value {
			return k.Show(v) + " is exactly what is not allowed"
		}
	case Within:
		low, high := t.bounds()
		if low <= v && v <= high {
			return fmt.Sprintf("%s lies between the limits of %s and %s", k.Show(v), k.Show(low), k.Show(high))
		}
		if v < low {
			return k.Compare(v, low)
		}
		return k.Compare(v, high)
	case Less:
		if v == t.Value {
			return k.Show(v) + " is the limit itself; less is required"
		}
	case Greater:
		if v == t.Value {
			return k.Show(v) + " is the limit itself; more is required"
		}
	}
	return k.Compare(v, t.Value)
}
