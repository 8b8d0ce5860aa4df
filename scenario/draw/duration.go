package draw

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Law is the kind of a distribution.
type Law string

// The laws of a [Duration].
const (
	Fixed       Law = "fixed"       // always A
	Uniform     Law = "uniform"     // A to B, both included
	Exponential Law = "exponential" // of mean A
	Lognormal   Law = "lognormal"   // of median A and 99th percentile B
	Samples     Law = "samples"     // one of the Values
)

// Duration is a distribution of times, for example of how long a job's work
// takes. The zero Duration is always 0.
type Duration struct {
	Law  Law // empty means Fixed
	A, B time.Duration
	Path string // of the file that holds the Values
	// Values are drawn with replacement. They are no part of the text form:
	// [Duration.Load] reads them.
	Values []time.Duration
}

// Bounds of a Duration. Whatever a law says, no draw is above maxDraw: of an
// exponential law of the largest mean, that cuts off one draw in 10^10.
const (
	maxParameter    = time.Hour
	maxDraw         = 24 * time.Hour
	maxValues       = 10_000_000
	widestLognormal = 1000 // times the median is the 99th percentile
)

// z99 is the 99th percentile of the normal distribution.
const z99 = 2.3263478740408408

// Validate reports what is wrong with the distribution. What [ParseDuration]
// returns is valid, but of Samples, whose values are still to be loaded.
func (d Duration) Validate() error {
	why := d.wrong()
	if d.Law == Samples {
		switch {
		case len(d.Values) == 0:
			why = fmt.Sprintf("%s holds no values yet", d)
		case len(d.Values) > maxValues:
			why = fmt.Sprintf("%s holds more than %d values", d, maxValues)
		case slices.Min(d.Values) < 0 || slices.Max(d.Values) > maxParameter:
			why = fmt.Sprintf("%s holds a time that is not between 0 and %s", d, maxParameter)
		}
	}
	if why == "" {
		return nil
	}
	return errors.New(why)
}

// wrong says what is wrong with the parameters, or nothing.
func (d Duration) wrong() string {
	for _, v := range []time.Duration{d.A, d.B} {
		if v < 0 || v > maxParameter {
			return fmt.Sprintf("%s is not between 0 and %s", v, maxParameter)
		}
	}
	switch d.Law {
	case "", Fixed, Samples:
	case Uniform:
		if d.B < d.A {
			return fmt.Sprintf("the upper end %s is below the lower end %s", d.B, d.A)
		}
	case Exponential:
		if d.A == 0 {
			return "a mean is greater than zero"
		}
	case Lognormal:
		if d.A == 0 || d.B < d.A || float64(d.B) > widestLognormal*float64(d.A) {
			return fmt.Sprintf("p50 is greater than zero, and p99 between p50 and %d times as much", widestLognormal)
		}
	default:
		return fmt.Sprintf("there is no law %q", d.Law)
	}
	return ""
}

// sigma is that of a lognormal law.
func (d Duration) sigma() float64 { return math.Log(float64(d.B)/float64(d.A)) / z99 }

// IsFixed reports whether all draws are equal because the law says so.
func (d Duration) IsFixed() bool { return d.Law == "" || d.Law == Fixed }

// Mean is the expected value.
func (d Duration) Mean() time.Duration { return time.Duration(math.Round(d.mean())) }

func (d Duration) mean() float64 {
	switch d.Law {
	case Uniform:
		return (float64(d.A) + float64(d.B)) / 2
	case Lognormal:
		s := d.sigma()
		return float64(d.A) * math.Exp(s*s/2)
	case Samples:
		var sum float64
		for _, v := range d.Values {
			sum += float64(v)
		}
		return sum / float64(max(1, len(d.Values)))
	default:
		return float64(d.A)
	}
}

// CV2 is the squared coefficient of variation, the variance over the squared
// mean: 0 where all draws are equal, 1 for an exponential law. It is 0 where
// the mean is.
func (d Duration) CV2() float64 {
	mean := d.mean()
	if mean == 0 {
		return 0
	}
	switch d.Law {
	case Uniform:
		width := (float64(d.B) - float64(d.A)) / mean
		return width * width / 12
	case Exponential:
		return 1
	case Lognormal:
		s := d.sigma()
		return math.Expm1(s * s)
	case Samples:
		var sum float64
		for _, v := range d.Values {
			sum += (float64(v)/mean - 1) * (float64(v)/mean - 1)
		}
		return sum / float64(len(d.Values))
	default:
		return 0
	}
}

// Max is the longest time that can be drawn. bounded is false where only the bound
// of all draws, 24 hours, limits it.
func (d Duration) Max() (longest time.Duration, bounded bool) {
	switch d.Law {
	case Uniform:
		return d.B, true
	case Exponential, Lognormal:
		return maxDraw, false
	case Samples:
		if len(d.Values) == 0 {
			return 0, true
		}
		return slices.Max(d.Values), true
	default:
		return d.A, true
	}
}

// Sampler returns a function that draws. The same seed and stream give the same
// draws; other streams, for example of other workers, have nothing to do with
// them. A draw allocates nothing. Use it from one goroutine. It panics when
// Samples were not loaded.
func (d Duration) Sampler(seed, stream uint64) func() time.Duration {
	random := rand.New(rand.NewPCG(mix(seed, workStream, 0), stream))
	switch d.Law {
	case Uniform:
		return func() time.Duration { return d.A + time.Duration(random.Int64N(int64(d.B-d.A)+1)) }
	case Exponential:
		return func() time.Duration { return cut(float64(d.A) * random.ExpFloat64()) }
	case Lognormal:
		s := d.sigma()
		return func() time.Duration { return cut(float64(d.A) * math.Exp(s*random.NormFloat64())) }
	case Samples:
		if len(d.Values) == 0 {
			panic("draw: " + d.String() + " was not loaded")
		}
		return func() time.Duration { return d.Values[random.IntN(len(d.Values))] }
	default:
		return func() time.Duration { return d.A }
	}
}

func cut(nanos float64) time.Duration { return time.Duration(math.Round(min(nanos, float64(maxDraw)))) }
