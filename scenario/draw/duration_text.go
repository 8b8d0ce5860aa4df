package draw

import (
	"fmt"
	"strings"
	"time"
)

// durationHint is how a [Duration] is written.
const durationHint = "write it like 5ms, 2ms..8ms, exp(5ms), lognormal(p50=5ms,p99=40ms) or file(path)"

// ParseDuration reads
//
//	5ms                        always that
//	2ms..8ms                   anything between, all equally likely
//	exp(5ms)                   an exponential law of that mean
//	lognormal(p50=5ms,p99=40ms) a lognormal law of that median and 99th percentile
//	file(path)                 one of the times in the file; [Duration.Load] reads it
func ParseDuration(text string) (Duration, error) {
	d, why := readDuration(strings.TrimSpace(text))
	if why == "" && d.Law != Samples {
		why = d.wrong()
	}
	if why != "" {
		return Duration{}, fmt.Errorf("time %q: %s; %s", text, why, durationHint)
	}
	return d, nil
}

func readDuration(text string) (d Duration, why string) {
	name, inner, call := strings.Cut(text, "(")
	if !call {
		return readRange(text)
	}
	inner, closed := strings.CutSuffix(inner, ")")
	if !closed {
		return d, "the bracket has no end"
	}
	inner = strings.TrimSpace(inner)
	switch strings.TrimSpace(name) {
	case "exp":
		d.Law = Exponential
		d.A, why = readTime(inner)
	case "lognormal":
		return readLognormal(inner)
	case "file":
		if inner == "" || strings.ContainsAny(inner, "\r\n") {
			return d, "the path of a file is missing"
		}
		d.Law, d.Path = Samples, inner
	default:
		return d, fmt.Sprintf("there is no law %q", strings.TrimSpace(name))
	}
	return d, why
}

// readRange reads "5ms" or "2ms..8ms".
func readRange(text string) (d Duration, why string) {
	low, high, between := strings.Cut(text, "..")
	if d.A, why = readTime(low); why != "" || !between {
		d.Law = Fixed
		return d, why
	}
	d.Law = Uniform
	d.B, why = readTime(high)
	return d, why
}

// readLognormal reads "p50=5ms,p99=40ms", in either order.
func readLognormal(text string) (d Duration, why string) {
	d.Law = Lognormal
	seen := map[string]bool{}
	for _, item := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(item, "=")
		name = strings.TrimSpace(name)
		into := map[string]*time.Duration{"p50": &d.A, "p99": &d.B}[name]
		if into == nil || seen[name] {
			return d, "a lognormal law has p50= and p99=, each once"
		}
		seen[name] = true
		if *into, why = readTime(value); why != "" {
			return d, why
		}
	}
	if len(seen) < 2 {
		return d, "a lognormal law has p50= and p99=, each once"
	}
	return d, ""
}

func readTime(text string) (time.Duration, string) {
	text = strings.TrimSpace(text)
	v, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Sprintf("%q is not a time with its unit", text)
	}
	return v, ""
}

// String is the distribution as [ParseDuration] reads it.
func (d Duration) String() string {
	switch d.Law {
	case Uniform:
		return d.A.String() + ".." + d.B.String()
	case Exponential:
		return "exp(" + d.A.String() + ")"
	case Lognormal:
		return "lognormal(p50=" + d.A.String() + ",p99=" + d.B.String() + ")"
	case Samples:
		return "file(" + d.Path + ")"
	default:
		return d.A.String()
	}
}

// MarshalText makes a distribution a string in JSON, without its values.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := ParseDuration(string(b))
	if err == nil {
		*d = v
	}
	return err
}
