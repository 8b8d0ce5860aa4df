package study

import (
	"fmt"
	"math"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/queueing"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/internal/validity"
	"github.com/queuedyno/queuedyno/result"
)

// Check compares a plan with what was measured on a real Redis. The prediction is
// made with the service time that was measured, so that the formula is what is
// checked; the shortest time that any job took from producer to worker is added
// to it, since the formula counts waiting only.
type Check struct {
	Workers int `json:"workers"`
	// Metric is the one that is compared: of several limits that of the metric
	// that fits worst.
	Metric    string        `json:"metric"`
	Service   time.Duration `json:"service_ns"`
	ServiceCV float64       `json:"service_cv"`
	Predicted time.Duration `json:"predicted_ns"`
	// Measured is 0 when the run could not tell; Verdict then says why.
	Measured time.Duration `json:"measured_ns"`
	// Ratio is measured over predicted. It fits between 0.5 and 2.
	Ratio   float64 `json:"ratio"`
	Fits    bool    `json:"fits"`
	Verdict string  `json:"verdict"`
	Run     string  `json:"run"`
}

// Verify compares the plan with a run of it.
func (s *Staffing) Verify(r *result.Result) error {
	at := *s
	cycle, err := cycleOf(r)
	if err != nil {
		return err
	}
	at.Service, at.ServiceCV = cycle.mean, cycle.cv
	if r.Rates.OfferedPerS != nil {
		at.Rate = *r.Rates.OfferedPerS
	}
	demands, err := at.Demands()
	if err != nil {
		return err
	}
	s.Check = nil
	for i, d := range demands {
		t, _ := threshold.Parse(s.SLO[i]) // read by Demands
		c := &Check{Workers: r.Scenario.Consumers, Run: r.Run.ID, Service: at.Service, ServiceCV: at.ServiceCV, Metric: t.Metric}
		c.set(r, d.With(c.Workers))
		if s.Check == nil || c.off() > s.Check.off() {
			s.Check = c
		}
	}
	return nil
}

// off is by how much the prediction is off, as a logarithm; without a ratio
// beyond any.
func (c *Check) off() float64 {
	if c.Ratio <= 0 {
		return math.Inf(1)
	}
	return math.Abs(math.Log(c.Ratio))
}

// set compares what is predicted with what was measured.
func (c *Check) set(r *result.Result, p queueing.Plan) {
	measured, why, ok := r.Metric(c.Metric)
	switch {
	case r.Validity.Verdict == result.Invalid:
		c.Verdict = "the run is invalid and checks nothing"
	case !ok:
		c.Verdict = "nothing was measured to check it by: " + why
	case p.Wait == queueing.Unstable:
		c.Verdict = fmt.Sprintf("with the service time of %s that was measured the workers cannot keep up", c.Service.Round(time.Microsecond))
	default:
		c.Predicted, c.Measured = p.Wait, time.Duration(measured)
		if base := r.Stages[metric.Queue].MinNS; base != nil {
			c.Predicted += time.Duration(*base)
		}
		c.judge(r, p)
	}
}

// judge says whether the model fits, and what speaks against it.
func (c *Check) judge(r *result.Result, p queueing.Plan) {
	c.Ratio = float64(c.Measured) / float64(c.Predicted)
	c.Fits = c.Ratio >= 0.5 && c.Ratio <= 2
	if c.Fits {
		c.Verdict = "consistent: measured and predicted are within a factor of 2"
		return
	}
	c.Verdict = "the model does not fit"
	switch {
	case r.Validity.Triage.Where != "" && r.Validity.Triage.Where != "workers":
		c.Verdict += ": " + validity.Explain(r.Validity)
	case p.Wait < time.Millisecond:
		c.Verdict += ": hardly any job waits for a worker, and what is left is the scheduling of processes and the network, which it does not know"
	case c.Ratio < 1:
		c.Verdict += ": jobs wait less than it says, as they do when arrivals or service times are more regular than assumed"
	default:
		c.Verdict += ": jobs wait longer than it says, so something else than the workers delays them, or the load comes in bursts"
	}
}
