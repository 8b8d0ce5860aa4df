package scenario

import "math"

// series is a running account of equidistant samples: their mean, and how well
// it is known although neighbours resemble each other.
type series struct {
	n                  int64
	sum, squares, lags float64
	first, last        float64
}

func (s *series) add(v float64) {
	if s.n == 0 {
		s.first = v
	} else {
		s.lags += v * s.last
	}
	s.n++
	s.sum += v
	s.squares += v * v
	s.last = v
}

// mean is the mean of the samples, nil when there are fewer than 20.
func (s *series) mean() *float64 {
	if s.n < 20 {
		return nil
	}
	m := s.sum / float64(s.n)
	return &m
}

// noise is the standard error of the mean. With the correlation r of neighbours,
// n samples are worth n(1-r)/(1+r), as in a first-order autoregressive series.
func (s *series) noise() float64 {
	if s.n < 2 {
		return math.Inf(1)
	}
	n := float64(s.n)
	m := s.sum / n
	variance := s.squares/n - m*m
	if variance <= 0 {
		return 0
	}
	lag := (s.lags - m*(2*s.sum-s.first-s.last) + (n-1)*m*m) / (n - 1)
	r := min(0.99, max(0, lag/variance))
	return math.Sqrt(variance / (n * (1 - r) / (1 + r)))
}
