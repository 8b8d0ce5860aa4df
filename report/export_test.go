package report

// White-box access for tests: what is here has laws of its own.
var (
	Parse      = parse
	Digits3    = digits3
	Duration   = duration
	Thousands  = thousands
	Escape     = escape
	Code       = code
	Wrap       = wrap
	CommonUnit = func(ns ...float64) (string, float64) { u := commonUnit(ns...); return u.name, u.ns }

	Number    = number
	TableUnit = func(wanted string, headline float64, ns ...float64) (string, bool) {
		u, ok := tableUnit(wanted, headline, ns...)
		return u.name, ok
	}
)
