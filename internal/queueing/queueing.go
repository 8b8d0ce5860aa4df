// Package queueing predicts queues: how long jobs wait for a number of workers, and
// how a stall changes the quantiles.
//
// It is pure arithmetic and measures nothing. A queue without a steady state has an
// infinite wait, which the functions return as [Unstable]. Each formula has its source
// and its accuracy. Begin reading at [Queue] and [Stall].
package queueing

import (
	"math"
	"time"
)

// Unstable is the wait in a queue whose workers cannot keep up: it grows for as
// long as the load lasts.
const Unstable = time.Duration(math.MaxInt64)

// ErlangB is the probability that an arriving job finds all workers busy when
// it would then be turned away. The load is in erlangs, arrival rate times
// service time. It is 1 for no workers.
//
// Source: A. K. Erlang, 1917, in the recursion B(k) = aB(k-1) / (k + aB(k-1)),
// which does not overflow; B depends on the service time's mean only.
func ErlangB(workers int, load float64) float64 {
	b := 1.0
	for k := 1; k <= workers; k++ {
		b = load * b / (float64(k) + load*b)
	}
	return b
}

// ErlangC is the probability that an arriving job has to wait. The load is in
// erlangs. It is 1 when the workers cannot keep up.
//
// Source: Erlang, 1917, from [ErlangB] by C = B / (1 - rho(1 - B)). It is exact
// for Poisson arrivals and exponential service times, and close for others.
func ErlangC(workers int, load float64) float64 {
	rho := load / float64(workers)
	if workers < 1 || rho >= 1 {
		return 1
	}
	b := ErlangB(workers, load)
	return b / (1 - rho*(1-b))
}

// Queue is a first-come-first-served queue before equal workers.
type Queue struct {
	// Workers is how many there are, at least 1.
	Workers int
	// Rate is the arrival rate in jobs per second.
	Rate float64
	// Service is the mean time for which a job occupies a worker.
	Service time.Duration
	// ArrivalSCV is the squared coefficient of variation (variance over
	// squared mean) of the times between arrivals: 1 for Poisson arrivals, 0
	// for constant ones.
	ArrivalSCV float64
	// ServiceSCV is that of the service times: 0 for constant ones, 1 for
	// exponential ones.
	ServiceSCV float64
}

// Load is the offered load in erlangs: how many workers are busy on average.
func (q Queue) Load() float64 { return q.Rate * q.Service.Seconds() }

// Utilisation is the share of the workers' time that is taken, rho. At 1 and
// above there is no steady state.
func (q Queue) Utilisation() float64 { return q.Load() / float64(q.Workers) }

// WaitProbability is the probability that a job has to wait; see [ErlangC].
func (q Queue) WaitProbability() float64 { return ErlangC(q.Workers, q.Load()) }

// MeanWait is the mean time in the queue, service excluded, or [Unstable].
//
// Source: Allen and Cunneen's approximation, Wq = C/(c*mu - lambda) * (Ca²+Cs²)/2
// (A. O. Allen, Probability, Statistics, and Queueing Theory, 2nd ed. 1990). It
// is exact for Poisson arrivals at one worker, where it is the formula of
// Pollaczek and Khinchine and thus rho*s/(2(1-rho)) for constant service, and
// for Poisson arrivals with exponential service at any number. Simulated M/D/c
// lies up to 10% above it. For constant arrivals it is far too high unless rho
// is near 1.
func (q Queue) MeanWait() time.Duration {
	if q.Utilisation() >= 1 {
		return Unstable
	}
	return seconds(q.WaitProbability() / q.drain() * q.variability())
}

// WaitQuantile is the wait that the share p of the jobs does not exceed, for
// 0 < p < 1, or [Unstable].
//
// Source: P(W > t) = C exp(-(c*mu - lambda)t / f) with f = (Ca²+Cs²)/2, exact
// for M/M/c and a heavy-traffic heuristic otherwise: p99 of M/D/c within 16%.
// With f = 0 nothing varies and no job waits.
func (q Queue) WaitQuantile(p float64) time.Duration {
	if q.Utilisation() >= 1 {
		return Unstable
	}
	return seconds(max(0, q.variability()/q.drain()*math.Log(q.WaitProbability()/(1-p))))
}

// MeanWaitError is the standard error, relative to [Queue.MeanWait], of a mean
// wait that was observed over a span of time: what chance alone makes of the
// same queue from one run to the next.
//
// Source: for M/M/1 the n-fold variance of the mean of n waits tends to
// s²rho(2+5rho-4rho²+rho³)/(1-rho)⁴ (D. J. Daley, 1968; W. Whitt, Planning
// Queueing Simulations, Management Science 35, 1989). Its relative form is
// scaled here by (Ca²+Cs²)/2, as heavy traffic does it, and the probability of
// waiting stands for rho. Simulated M/D/1 and M/D/4 lie within a fifth of it at
// utilisations from 0.5 to 0.8.
func (q Queue) MeanWaitError(span time.Duration) float64 {
	rho := q.Utilisation()
	if rho >= 1 || span <= 0 {
		return math.Inf(1)
	}
	jobs := q.Rate * span.Seconds()
	each := (2 + 5*rho - 4*rho*rho + rho*rho*rho) / (q.WaitProbability() * (1 - rho) * (1 - rho))
	return math.Sqrt(q.variability() * each / jobs)
}

// drain is at which rate in jobs per second a backlog shrinks.
func (q Queue) drain() float64 { return float64(q.Workers)/q.Service.Seconds() - q.Rate }

// variability is the factor (Ca²+Cs²)/2.
func (q Queue) variability() float64 { return (q.ArrivalSCV + q.ServiceSCV) / 2 }

// seconds is s as a duration, [Unstable] where it would not fit.
func seconds(s float64) time.Duration {
	ns := s * float64(time.Second)
	if ns >= math.MaxInt64 {
		return Unstable
	}
	return time.Duration(math.Round(ns))
}
