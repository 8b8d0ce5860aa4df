package level

import (
	"math/rand/v2"
	"testing"
	"time"
)

// trajectory is how long a queue was: the length from each moment on.
type trajectory struct {
	at  []int64
	len []float64
}

// stall is a time in which nothing of this process runs.
type stall struct{ from, to time.Duration }

// queueOf simulates a single worker of 1,100 jobs/s under random arrivals. Jobs
// that are due in a stall are all sent when it ends.
func queueOf(r *rand.Rand, rate float64, length time.Duration, stalls []stall) trajectory {
	held := func(at int64) int64 {
		for _, s := range stalls {
			if at >= int64(s.from) && at < int64(s.to) {
				return int64(s.to)
			}
		}
		return at
	}
	c := trajectory{at: []int64{0}, len: []float64{0}}
	due, done, n := int64(0), int64(0), 0.0
	step := func(mean float64) int64 { return int64(r.ExpFloat64() / mean * 1e9) }
	due = step(rate)
	for {
		arrives := held(due)
		if n == 0 || arrives <= done {
			if arrives >= int64(length) {
				return c
			}
			if n++; n == 1 {
				done = held(arrives + step(1100))
			}
			c.at, c.len = append(c.at, arrives), append(c.len, n)
			due += step(rate)
			continue
		}
		if done >= int64(length) {
			return c
		}
		n--
		c.at, c.len = append(c.at, done), append(c.len, n)
		done = held(done + step(1100))
	}
}

// mean is the mean length, exactly.
func (c trajectory) mean(length time.Duration) (m float64) {
	for i := range c.at {
		end := int64(length)
		if i+1 < len(c.at) {
			end = c.at[i+1]
		}
		m += c.len[i] * float64(end-c.at[i])
	}
	return m / float64(length)
}

// sampled looks at the trajectory as the sampler does: not during a stall, and late by
// up to so much.
func (c trajectory) sampled(r *rand.Rand, rate float64, length time.Duration, stalls []stall, late time.Duration) *Level {
	l, i, seen := &Level{}, 0, 0
	for at := int64(0); ; {
		planned := int64(SamplePeriod/2) + r.Int64N(int64(SamplePeriod))
		wake := at + planned
		if late > 0 {
			wake += r.Int64N(int64(late))
		}
		for _, s := range stalls {
			if wake >= int64(s.from) && wake < int64(s.to) {
				wake = int64(s.to)
			}
		}
		if wake >= int64(length) {
			return l
		}
		for i+1 < len(c.at) && c.at[i+1] <= wake {
			if c.len[i+1] > c.len[i] {
				seen++
			}
			i++
		}
		l.Add(wake, c.len[i], float64(seen), rate*float64(wake-at-planned)/1e9)
		at, seen = wake, 0
	}
}

// The mean of the samples is compared with the exact one, as a judge does it.
func compared(l *Level, exact, rate float64, length time.Duration) (off, within float64) {
	off = *l.Mean() - exact
	return max(off, -off) / exact, 0.10 + (3*l.Noise()+l.Bias(float64(length), rate))/exact
}

func TestALevelIsNotAccusedWhateverHeldTheSamplerUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		rate   float64
		stalls []stall
		late   time.Duration
		short  bool
	}{
		{"a quiet host", 900, nil, 0, false},
		{"a short run", 600, nil, 0, true},
		{"a queue that grows all the time", 1300, nil, 0, false},
		{"a busy host that wakes threads late", 900, nil, 20 * time.Millisecond, false},
		{"a stall of two seconds", 900, []stall{{5 * time.Second, 7 * time.Second}}, 0, false},
		{"many short stalls", 800, []stall{
			{2 * time.Second, 2200 * time.Millisecond}, {4 * time.Second, 4300 * time.Millisecond}, {6 * time.Second, 6100 * time.Millisecond},
			{8 * time.Second, 8500 * time.Millisecond}, {11 * time.Second, 11200 * time.Millisecond}, {15 * time.Second, 15400 * time.Millisecond},
		}, time.Millisecond, false},
		{"a stall up to the end", 900, []stall{{18 * time.Second, 20 * time.Second}}, 0, false},
	} {
		length := 20 * time.Second
		if c.short {
			length = 3 * time.Second
		}
		for seed := range uint64(100) {
			r := rand.New(rand.NewPCG(seed, 1))
			q := queueOf(r, c.rate, length, c.stalls)
			l := q.sampled(r, c.rate, length, c.stalls, c.late)
			if off, within := compared(l, q.mean(length), c.rate, length); off > within {
				t.Errorf("%s, seed %d: off by %.0f%%, tolerance %.0f%%", c.name, seed, 100*off, 100*within)
			}
		}
	}
}

func TestALevelFindsAClockThatRunsWrong(t *testing.T) {
	t.Parallel()
	const length = 20 * time.Second
	for _, c := range []struct {
		name   string
		clock  float64 // what the stamps make of the jobs' time
		rate   float64
		stalls []stall
	}{
		{"twice too fast", 2, 1000, nil},
		{"half", 0.5, 1000, nil},
		{"twice too fast in an overload", 2, 1300, nil},
		{"half with a stall in it", 0.5, 1300, []stall{{5 * time.Second, 5300 * time.Millisecond}}},
	} {
		found := 0
		for seed := range uint64(50) {
			r := rand.New(rand.NewPCG(seed, 1))
			q := queueOf(r, c.rate, length, c.stalls)
			l := q.sampled(r, c.rate, length, c.stalls, 0)
			if off, within := compared(l, c.clock*q.mean(length), c.rate, length); off > within {
				found++
			}
		}
		if found < 45 {
			t.Errorf("a clock that runs %s was found in %d of 50 runs", c.name, found)
		}
	}
}

func TestALevelWeighsItsSamplesByTime(t *testing.T) {
	t.Parallel()
	var l Level
	for i := range 21 {
		l.Add(int64(i)*int64(SamplePeriod), 2, 0, 0)
	}
	l.Add(l.At+int64(time.Second), 2, 0, 0) // one sample of a second is not one of 50 ms
	l.Add(l.At+int64(time.Second), 10, 0, 0)
	if m := *l.Mean(); m < 3.3 || m > 3.4 {
		t.Errorf("mean %.2f, want (1 s × 2 + 1 s × 2 + 1 s × 6) / 3 s", m)
	}
	if b := l.Bias(float64(3*time.Second), 0); b < 3.9 || b > 4.1 {
		t.Errorf("bias %.2f, want (1 s × 2 + 1 s × 10) / 3 s", b)
	}
}
