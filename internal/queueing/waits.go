package queueing

import "time"

// Waits are the times in the queue of jobs that arrive at the given moments, in
// ascending order, and each occupy one of the workers for the same service time.
//
// It is exact, job by job, and without any chance in it: what an observed run
// should show when its arrivals are known. With equal service times jobs leave
// in the order in which they came, so job n starts when it arrives or when job
// n-c is done, whichever is later.
//
// Source: D. V. Lindley, The theory of queues with a single server, 1952; for
// several workers the recursion of Kiefer and Wolfowitz, 1955, which equal
// service times reduce to this line. It panics when workers is below 1.
func Waits(arrivals []time.Duration, service time.Duration, workers int) []time.Duration {
	if workers < 1 {
		panic("queueing: a queue without workers")
	}
	waits := make([]time.Duration, len(arrivals))
	for n, at := range arrivals {
		if n < workers {
			continue
		}
		free := arrivals[n-workers] + waits[n-workers] + service
		waits[n] = max(0, free-at)
	}
	return waits
}
