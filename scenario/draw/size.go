package draw

import (
	"errors"
	"fmt"
)

// Size is a distribution of payload sizes in bytes: a list of parts, of which
// each has its share of the jobs. The zero Size is always 0.
type Size struct{ Parts []Part }

// Part is a range of sizes, all equally likely, and how many jobs have one of
// it.
type Part struct {
	Share     int // of all jobs, in millionths; those of all parts together are a million
	Low, High int // bytes, both included
}

// Bounds of a [Size].
const (
	whole    = 1_000_000
	maxSize  = 512 << 20 // bytes: what Redis holds in one string
	maxParts = 100
)

// Validate reports every fault of the distribution. What [ParseSize] returns is
// valid.
func (s Size) Validate() error {
	if len(s.Parts) == 0 {
		return nil
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(s.Parts) > maxParts {
		fault("%d parts are more than %d", len(s.Parts), maxParts)
	}
	sum := 0
	for i, p := range s.Parts {
		if p.Low < 0 || p.High > maxSize {
			fault("part %d: a size is between 0 and 512MiB", i+1)
		}
		if p.High < p.Low {
			fault("part %d: the upper end %s is below the lower end %s", i+1, bytesText(p.High), bytesText(p.Low))
		}
		if p.Share <= 0 || p.Share > whole {
			fault("part %d: a share is more than 0%% and at most 100%%, in steps of 0.0001%%", i+1)
			continue
		}
		sum += p.Share
	}
	if len(faults) == 0 && sum != whole {
		fault("the shares add up to %s%%, not 100%%", percentText(sum))
	}
	return errors.Join(faults...)
}

// IsFixed reports whether all sizes are equal.
func (s Size) IsFixed() bool {
	return len(s.Parts) == 0 || len(s.Parts) == 1 && s.Parts[0].Low == s.Parts[0].High
}

// Mean is the expected size in bytes.
func (s Size) Mean() float64 {
	var sum float64
	for _, p := range s.Parts {
		sum += float64(p.Share) / whole * (float64(p.Low) + float64(p.High)) / 2
	}
	return sum
}

// Max is the largest size in bytes.
func (s Size) Max() int {
	most := 0
	for _, p := range s.Parts {
		most = max(most, p.High)
	}
	return most
}

// At is the size of job n in bytes, a pure function. ~10 ns, no
// allocation.
func (s Size) At(seed uint64, n int64) int {
	if len(s.Parts) == 0 {
		return 0
	}
	p := s.Parts[0]
	if len(s.Parts) > 1 {
		at := int(below(mix(seed, partStream, uint64(n)), whole))
		for _, p = range s.Parts {
			if at -= p.Share; at < 0 {
				break
			}
		}
	}
	if p.Low == p.High {
		return p.Low
	}
	return p.Low + int(below(mix(seed, sizeStream, uint64(n)), uint64(p.High-p.Low)+1))
}
