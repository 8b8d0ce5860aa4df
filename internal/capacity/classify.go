package capacity

import "time"

// Bound is what the trials at one rate say of it together.
type Bound string

// The bounds. An undecided rate needs another trial.
const (
	Lower     Bound = "lower"
	Upper     Bound = "upper"
	Undecided Bound = "undecided"
)

// exceed is the share of the time at a rate that may be bad.
const exceed = 0.5

// Classify decides whether a rate is a lower bound of the capacity, an upper
// one, or neither yet, from all trials at that rate. Full is the length of a
// trial of full length. Bad trials that are short are forgiven as far as good
// short ones make up for them; a long one never is. Invalid trials do not count.
//
// Source: RFC 9971 (MLRsearch), section on load classification, with a goal
// exceed ratio of 0.5 and a goal duration sum of three full trials.
func Classify(trials []Trial, full time.Duration) Bound {
	var goodShort, goodLong, badShort, badLong float64
	for _, t := range trials {
		seconds := t.Length.Seconds()
		switch {
		case t.Verdict == Good && t.Length >= full:
			goodLong += seconds
		case t.Verdict == Good:
			goodShort += seconds
		case t.Verdict == Bad && t.Length >= full:
			badLong += seconds
		case t.Verdict == Bad:
			badShort += seconds
		}
	}
	balance := goodShort * exceed / (1 - exceed)
	bad := badLong + max(0, badShort-balance)
	whole := max(goodLong+bad, 3*full.Seconds())
	optimistic := bad <= whole*exceed
	pessimistic := whole-goodLong <= whole*exceed
	switch {
	case optimistic && pessimistic:
		return Lower
	case !optimistic && !pessimistic:
		return Upper
	}
	return Undecided
}
