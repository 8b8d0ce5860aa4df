package pace

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Step is a stretch of load. It holds a rate where From and To are equal, and
// else goes from one to the other in a straight line. Within a step the zero
// [Rate] means a pause: no jobs at all.
type Step struct {
	For      time.Duration // greater than zero
	From, To Rate
}

// Steps are stretches of load, one after the other. Text says them as
// [ParseSteps] reads them; none at all are the empty text.
//
// What other tools call their load, and what it is here:
//
//	Gatling  nothingFor(5)                              5s:0
//	         constantUsersPerSec(20).during(30)         30s:20
//	         rampUsersPerSec(10).to(20).during(60)      60s:10..20
//	k6       {duration: '30s', target: 500}             30s:..500
//	         startRate: 100, then that target           30s:100..500
//	         constant-arrival-rate, rate: 500, '1m'     1m:500
type Steps []Step

// Bounds of what a schedule may hold. Within them every number of jobs is
// exact.
const (
	maxSteps  = 10_000               // steps, with repeated ones counted each time
	maxLength = 366 * 24 * time.Hour // from the first step's beginning to the last one's end
)

// hint is how a step is written.
const hint = "write a step like 30s:500 (hold), 20s:100..10k (ramp), 30s:..500 (ramp from where the last step ended) or 5s:0 (pause)"

// Length is the time that all steps take together.
func (s Steps) Length() time.Duration {
	var sum time.Duration
	for _, step := range s {
		sum += step.For
	}
	return sum
}

// Validate reports every step that has no meaning: one without a length, with
// a negative rate or one above 100 million jobs a second; more than 10,000 steps; and
// steps that take longer than 366 days. What [ParseSteps] returns is valid.
func (s Steps) Validate() error {
	var faults []error
	if len(s) > maxSteps {
		faults = append(faults, fmt.Errorf("%d steps are more than %d", len(s), maxSteps))
	}
	var sum time.Duration
	for i, step := range s {
		if step.For <= 0 {
			faults = append(faults, fmt.Errorf("step %d: its length %s is not greater than zero", i+1, step.For))
			continue
		}
		for _, r := range []Rate{step.From, step.To} {
			if r.Jobs < 0 || r.Jobs > 0 && (r.Per <= 0 || r.Float() > maxRate) {
				faults = append(faults, fmt.Errorf("step %d: a rate of %d jobs in %s is not between 0 and %d/s", i+1, r.Jobs, r.Per, maxRate))
			}
		}
		if sum <= maxLength {
			if sum += min(step.For, maxLength+1); sum > maxLength {
				faults = append(faults, fmt.Errorf("step %d: the schedule grows longer than %s, 366 days", i+1, maxLength))
			}
		}
	}
	return errors.Join(faults...)
}

// String is the step as [ParseSteps] reads it.
func (s Step) String() string {
	if s.From == s.To {
		return s.For.String() + ":" + s.From.inStep()
	}
	return s.For.String() + ":" + s.From.inStep() + ".." + s.To.inStep()
}

// inStep is a rate as it is written within a step.
func (r Rate) inStep() string {
	if r.IsZero() {
		return "0"
	}
	return r.String()
}

// String is the steps as [ParseSteps] reads them, each written out.
func (s Steps) String() string {
	var b strings.Builder
	for i, step := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(step.String())
	}
	return b.String()
}

// MarshalText makes steps a string in JSON.
func (s Steps) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (s *Steps) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*s = nil
		return nil
	}
	v, err := ParseSteps(string(b))
	if err == nil {
		*s = v
	}
	return err
}
