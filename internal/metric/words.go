package metric

import (
	"math"
	"strconv"
	"strings"
)

// significant is how many digits words carry: what the histograms resolve.
const significant = 3

// Show writes a value for people: three significant digits, in the unit that
// suits its size. Counts are written in full.
func (k Kind) Show(v float64) string { return k.digits(v, significant) }

func (k Kind) digits(v float64, n int) string {
	switch k {
	case Duration:
		v = round(v, n)
		unit := "ns"
		for _, u := range []struct {
			name string
			size float64
		}{{"s", 1e9}, {"ms", 1e6}, {"µs", 1e3}} {
			if math.Abs(v) >= u.size {
				v, unit = v/u.size, u.name
				break
			}
		}
		return decimal(v, n) + " " + unit
	case Rate:
		return decimal(v, n) + " jobs/s"
	default:
		return decimal(v, n)
	}
}

// Compare says by how much v lies over or under the limit. Where three digits
// cannot tell the two apart, it takes as many as it needs.
func (k Kind) Compare(v, limit float64) string {
	if v == limit {
		return k.Show(v) + " is exactly the limit"
	}
	difference := k.Show(math.Abs(v - limit))
	k, v, limit, suffix := k.together(v, limit)
	if apart := math.Abs(v - limit); suffix != "" && apart >= 0.001 {
		difference = k.Show(apart) + suffix
	}
	n := significant
	for n < 17 && k.digits(v, n) == k.digits(limit, n) {
		n++
	}
	side := "over"
	if v < limit {
		side = "under"
	}
	share := ""
	if limit != 0 {
		share = " (" + decimal(100*math.Abs(v-limit)/limit, 2) + "%)"
	}
	return k.digits(v, n) + suffix + " is " + difference + share + " " + side + " the limit of " + k.digits(limit, n) + suffix
}

// together brings two durations into the unit that suits the limit, and makes
// them plain numbers with that suffix, where both read well in it.
func (k Kind) together(v, limit float64) (Kind, float64, float64, string) {
	if k != Duration || limit <= 0 || v <= 0 {
		return k, v, limit, ""
	}
	_, name, _ := strings.Cut(k.Show(limit), " ")
	size := map[string]float64{"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}[name]
	if size == 0 || v/size < 0.001 || v/size >= 1e5 {
		return k, v, limit, ""
	}
	return Ratio, v / size, limit / size, " " + name
}

// round keeps n significant digits.
func round(v float64, n int) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', n, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// decimal writes v with n significant digits, whole digits always in full and
// in groups of three.
func decimal(v float64, n int) string {
	v = roundFraction(v, n)
	text := strconv.FormatFloat(math.Abs(v), 'f', -1, 64)
	whole, fraction, cut := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if v < 0 {
		whole = "-" + whole
	}
	if cut {
		return whole + "." + fraction
	}
	return whole
}

// roundFraction rounds to n significant digits, but never to more than the
// whole number: 12,345 stays what it is.
func roundFraction(v float64, n int) float64 {
	if math.Abs(v) >= math.Pow10(n) {
		return math.Round(v)
	}
	return round(v, n)
}

// Example is a limit as one would write it.
func (k Kind) Example() string {
	switch k {
	case Duration:
		return "50ms"
	case Rate:
		return "1000/s"
	case Ratio:
		return "0.98 or 98%"
	default:
		return "0"
	}
}

// UnitHint says which units a limit of this kind may have.
func (k Kind) UnitHint() string {
	switch k {
	case Duration:
		return "with a unit of ns, us, ms, s or m"
	case Rate:
		return "in jobs per second, such as 1000 or 2k/s"
	case Ratio:
		return "such as 0.98 or 98%"
	default:
		return "a plain number without a unit"
	}
}
