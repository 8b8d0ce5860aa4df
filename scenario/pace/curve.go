package pace

import (
	"math"
	"math/big"
	"time"
)

// curve is the integral of the rate over steps: how many jobs are due by when,
// and its inverse. The area of the steps before one is kept to 2^-128 of a job,
// so that jobs go over from step to step without a gap.
type curve struct {
	pieces []piece
	end    area
}

// area is a number of jobs: whole ones and a fraction of the next.
type area struct {
	jobs int64
	part twin
}

// holds reports whether the point of jobs and part lies before the end of a.
func (a area) holds(jobs int64, part float64) bool {
	return jobs < a.jobs || jobs == a.jobs && twin{hi: part}.less(a.part)
}

// count is how many of the points 0, 1, 2, … lie within a.
func (a area) count() int64 {
	if a.part.hi > 0 {
		return a.jobs + 1
	}
	return a.jobs
}

// piece is one step within a curve. Times are in nanoseconds.
type piece struct {
	begins, length time.Duration
	before, after  area // of all steps up to its beginning and its end
	rate           twin // at its beginning, in jobs a nanosecond
	slope          twin // by which that grows each nanosecond
	interval       twin // between jobs, where the rate is held
	held           bool
}

// perNano is a rate in jobs a nanosecond.
func perNano(r Rate) twin {
	if r.IsZero() {
		return twin{}
	}
	return whole(r.Jobs).div(whole(int64(r.Per)))
}

func newCurve(steps Steps) *curve {
	c := &curve{pieces: make([]piece, 0, len(steps))}
	var at time.Duration
	sum := new(big.Int) // in 2^-128 jobs
	for _, s := range steps {
		p := piece{begins: at, length: s.For, before: c.end, rate: perNano(s.From), held: s.From == s.To}
		if p.held && !s.From.IsZero() {
			p.interval = whole(int64(s.From.Per)).div(whole(s.From.Jobs))
		}
		if !p.held {
			p.slope = perNano(s.To).sub(p.rate).div(whole(int64(s.For)))
		}
		sum.Add(sum, s.area())
		jobs := new(big.Int).Rsh(sum, 128)
		rest := new(big.Int).Sub(sum, new(big.Int).Lsh(jobs, 128))
		c.end = area{jobs: jobs.Int64(), part: fraction(rest)}
		p.after = c.end
		c.pieces = append(c.pieces, p)
		at += s.For
	}
	return c
}

// area is the number of jobs of a step in 2^-128 jobs, rounded down:
// (From+To)/2 * For.
func (s Step) area() *big.Int {
	sum := new(big.Rat)
	for _, r := range []Rate{s.From, s.To} {
		if !r.IsZero() {
			sum.Add(sum, big.NewRat(r.Jobs, int64(r.Per)))
		}
	}
	sum.Mul(sum, new(big.Rat).SetInt64(int64(s.For)))
	area := new(big.Int).Lsh(sum.Num(), 127) // 2^128 over the 2 of the mean
	return area.Quo(area, sum.Denom())
}

// due is the moment at which the area grows beyond the point of jobs and part,
// looked for from piece on, and the piece in which that is. It is false when
// the curve ends before. A point that is reached just at the end of a step
// belongs to the next one that is no pause.
func (c *curve) due(jobs int64, part float64, from int) (at time.Duration, index int, ok bool) {
	for i := from; i < len(c.pieces); i++ {
		if p := &c.pieces[i]; p.after.holds(jobs, part) {
			return p.begins + p.due(jobs, part), i, true
		}
	}
	return 0, len(c.pieces), false
}

// snug makes up for the last bits of a twin: a due time that is a whole number
// of nanoseconds is never rounded down to the one before. In nanoseconds.
const snug = 1e-10

// due is when within the piece the area grows beyond a point that lies in it,
// rounded down to the nanosecond.
//
// With n jobs into the piece, at rate r and slope a, that is the solution of
// n = rt + at²/2 in the form t = 2n / (r + sqrt(r² + 2an)), which loses no
// digits where a is near 0 and needs no other case.
func (p *piece) due(jobs int64, part float64) time.Duration {
	n := whole(jobs - p.before.jobs).add(twin{hi: part}).sub(p.before.part)
	if n.hi <= 0 {
		return 0
	}
	var t twin
	if p.held {
		t = n.mul(p.interval)
	} else {
		square := p.rate.mul(p.rate).add(p.slope.mul(n).mul(twin{hi: 2}))
		t = n.mul(twin{hi: 2}).div(p.rate.add(square.root()))
	}
	return min(time.Duration(t.add(twin{hi: snug}).floor()), p.length-1)
}

// Expected is the integral of the rate from the beginning up to t: how many
// jobs are due before t, or with Poisson arrivals that number's mean.
func (s Steps) Expected(t time.Duration) float64 {
	var sum float64
	for _, step := range s {
		if t <= 0 {
			break
		}
		in := min(t, step.For)
		from, to := step.From.Float(), step.To.Float()
		end := from + (to-from)*(float64(in)/float64(step.For))
		sum += (from + end) / 2 * in.Seconds()
		t -= in
	}
	return sum
}

// at is the index of the step at t, -1 for no step.
func (s Steps) at(t time.Duration) int {
	if t < 0 {
		return -1
	}
	for i, step := range s {
		if t < step.For {
			return i
		}
		t -= step.For
	}
	return -1
}

// peak is the highest rate, in jobs per second.
func (s Steps) peak() float64 {
	var most float64
	for _, step := range s {
		most = math.Max(most, math.Max(step.From.Float(), step.To.Float()))
	}
	return most
}
