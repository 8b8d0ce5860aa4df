package pace

import (
	"math"
	"math/big"
)

// twin is a number as the unrounded sum of two floats: 106 bits. Due times of
// a month in nanoseconds take 52 of them, so that what is left is far below a
// nanosecond where a single float has nothing left. No operation allocates.
//
// Source: T. J. Dekker, A floating-point technique for extending the available
// precision, Numerische Mathematik 18 (1971).
type twin struct{ hi, lo float64 }

// whole is the twin of an integer, exact.
func whole(n int64) twin {
	hi := float64(n)
	if hi >= 1<<63 {
		return twin{hi, float64(n - math.MaxInt64 - 1)}
	}
	return twin{hi, float64(n - int64(hi))}
}

// fraction is the twin of x / 2^128 for x below 2^128.
func fraction(x *big.Int) twin {
	sum, part, mask := twin{}, new(big.Int), big.NewInt(math.MaxUint32)
	for i := range 4 {
		part.Rsh(x, uint(96-32*i)).And(part, mask)
		sum = sum.add(twin{hi: math.Ldexp(float64(part.Int64()), -32*(i+1))})
	}
	return sum
}

// settle makes a the larger part; |a| >= |b| or a = 0.
func settle(a, b float64) twin {
	s := a + b
	return twin{s, b - (s - a)}
}

func exactSum(a, b float64) twin {
	s := a + b
	v := s - a
	return twin{s, (a - (s - v)) + (b - v)}
}

func exactProduct(a, b float64) twin {
	p := a * b
	return twin{p, math.FMA(a, b, -p)}
}

func (a twin) neg() twin { return twin{-a.hi, -a.lo} }

func (a twin) add(b twin) twin {
	s, t := exactSum(a.hi, b.hi), exactSum(a.lo, b.lo)
	s = settle(s.hi, s.lo+t.hi)
	return settle(s.hi, s.lo+t.lo)
}

func (a twin) sub(b twin) twin { return a.add(b.neg()) }

func (a twin) mul(b twin) twin {
	p := exactProduct(a.hi, b.hi)
	return settle(p.hi, p.lo+(a.hi*b.lo+a.lo*b.hi))
}

func (a twin) div(b twin) twin {
	q := a.hi / b.hi
	rest := a.sub(b.mul(twin{hi: q}))
	q2 := rest.hi / b.hi
	rest = rest.sub(b.mul(twin{hi: q2}))
	return settle(q, q2).add(twin{hi: rest.hi / b.hi})
}

// root is the square root, 0 for what is below 0.
func (a twin) root() twin {
	if a.hi <= 0 {
		return twin{}
	}
	s := math.Sqrt(a.hi)
	rest := a.sub(exactProduct(s, s))
	return settle(s, rest.hi/(2*s))
}

// less reports whether a is below b.
func (a twin) less(b twin) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// floor is the largest integer that is not above a.
func (a twin) floor() int64 {
	f := math.Floor(a.hi)
	if f < a.hi {
		return int64(f)
	}
	return int64(f) + int64(math.Floor(a.lo))
}
