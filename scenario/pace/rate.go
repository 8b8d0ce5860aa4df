// Package pace says when jobs are due.
//
// Due times are pure: a function of a job's number, exact to the nanosecond,
// never rounded to an interval, never moved, never re-based after a delay. The
// package knows no clock and does not wait. Begin reading at [Rate.At] and
// [Schedule].
package pace

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Rate is a number of jobs per span of time, kept as the two whole numbers so
// that due times have no rounding error. The zero Rate means no rate at all: a
// closed loop.
type Rate struct {
	Jobs int64
	Per  time.Duration
}

// PerSecond is the rate of n jobs a second.
func PerSecond(n int64) Rate { return Rate{Jobs: n, Per: time.Second} }

// IsZero reports whether r is no rate at all.
func (r Rate) IsZero() bool { return r.Jobs == 0 }

// Float is the rate in jobs per second.
func (r Rate) Float() float64 {
	if r.IsZero() {
		return 0
	}
	return float64(r.Jobs) / r.Per.Seconds()
}

// At is the moment at which job k is due: floor(k*Per/Jobs), computed in 128
// bits. It panics when that lies beyond 292 years.
func (r Rate) At(k int64) time.Duration {
	hi, lo := bits.Mul64(uint64(k), uint64(r.Per))
	q, _ := bits.Div64(hi, lo, uint64(r.Jobs))
	if q > math.MaxInt64 {
		panic("pace: a due time beyond 292 years")
	}
	return time.Duration(q)
}

// Before is how many of the jobs 0, 1, 2, … are due before t.
func (r Rate) Before(t time.Duration) int64 {
	if t <= 0 || r.IsZero() {
		return 0
	}
	// The smallest k with floor(k*Per/Jobs) >= t is ceil(t*Jobs/Per).
	hi, lo := bits.Mul64(uint64(t), uint64(r.Jobs))
	q, rem := bits.Div64(hi, lo, uint64(r.Per))
	if rem > 0 {
		q++
	}
	return int64(q)
}

// String is the rate as [ParseRate] reads it.
func (r Rate) String() string {
	switch {
	case r.IsZero():
		return "max"
	case r.Per == time.Second:
		return strconv.FormatInt(r.Jobs, 10) + "/s"
	case r.Per == time.Minute:
		return strconv.FormatInt(r.Jobs, 10) + "/m"
	case r.Per == time.Hour:
		return strconv.FormatInt(r.Jobs, 10) + "/h"
	default:
		return strconv.FormatInt(r.Jobs, 10) + "/" + r.Per.String()
	}
}

// MarshalText makes a rate a string in JSON.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (r *Rate) UnmarshalText(b []byte) error {
	v, err := ParseRate(string(b))
	if err == nil {
		*r = v
	}
	return err
}

// maxRate is in jobs per second: beyond it a job's interval has no meaning in
// nanoseconds.
const maxRate = 100_000_000

// ParseRate reads "500", "500/s", "2k/s", "1.5k/s", "30/m", "90/h" or "max".
// A bare number is per second; k and M multiply by a thousand and a million. The
// largest rate is 100 million jobs a second.
func ParseRate(s string) (Rate, error) {
	text := strings.TrimSpace(s)
	if text == "max" {
		return Rate{}, nil
	}
	r, why := readRate(text)
	if why != "" {
		return Rate{}, fmt.Errorf("rate %q: %s; write it like 500, 500/s, 2k/s, 30/m or max", s, why)
	}
	return r, nil
}

// readRate reads a rate that is greater than zero, or says why text is not a rate.
func readRate(text string) (r Rate, why string) {
	bad := func(why string) (Rate, string) { return Rate{}, why }
	number, unit, cut := strings.Cut(text, "/")
	per := time.Second
	if cut {
		switch strings.TrimSpace(unit) {
		case "s", "sec", "second", "1s":
		case "m", "min", "minute", "1m":
			per = time.Minute
		case "h", "hour", "1h":
			per = time.Hour
		default:
			d, err := time.ParseDuration(strings.TrimSpace(unit))
			if err != nil || d <= 0 {
				return bad("the unit after the slash is s, m, h or a duration")
			}
			per = d
		}
	}
	number = strings.TrimSpace(number)
	factor := int64(1)
	switch {
	case strings.HasSuffix(number, "k"), strings.HasSuffix(number, "K"):
		number, factor = number[:len(number)-1], 1_000
	case strings.HasSuffix(number, "M"):
		number, factor = number[:len(number)-1], 1_000_000
	}
	number = strings.ReplaceAll(number, "_", "")
	// Only digits: what big.Rat reads beyond those (exponents, fractions, other
	// bases) is not meant.
	if number == "" || len(number) > 20 || strings.Trim(number, "+-.0123456789") != "" {
		return bad("not a number")
	}
	v, ok := new(big.Rat).SetString(number)
	if !ok {
		return bad("not a number")
	}
	v.Mul(v, new(big.Rat).SetInt64(factor))
	if v.Sign() <= 0 {
		return bad("a rate is greater than zero")
	}
	// jobs/per with jobs = num/den is num per den*per.
	v.Quo(v, new(big.Rat).SetInt64(int64(per)))
	perSecond, _ := new(big.Rat).Mul(v, new(big.Rat).SetInt64(int64(time.Second))).Float64()
	if perSecond > maxRate {
		return bad(fmt.Sprintf("more than %d jobs/s cannot be scheduled in whole nanoseconds", maxRate))
	}
	if perSecond < 1e-6 {
		return bad("less than one job in a million seconds")
	}
	r = Rate{Per: per}
	jobs := new(big.Rat).Mul(v, new(big.Rat).SetInt64(int64(per)))
	// Keep the unit that the user wrote when the number in it is whole.
	if jobs.IsInt() && jobs.Num().IsInt64() {
		r.Jobs = jobs.Num().Int64()
		return r, ""
	}
	if !v.Num().IsInt64() || !v.Denom().IsInt64() || v.Num().Int64() > math.MaxInt32*1000 {
		return bad("too many digits")
	}
	return Rate{Jobs: v.Num().Int64(), Per: time.Duration(v.Denom().Int64())}, ""
}

// Arrivals names how due times are laid out at a rate.
type Arrivals string

// The two layouts. Constant spaces jobs evenly and hides queueing; Poisson is
// how independent users come, with bursts and gaps.
const (
	Constant Arrivals = "constant"
	Poisson  Arrivals = "poisson"
)
