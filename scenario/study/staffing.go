package study

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/gate"
	"github.com/queuedyno/queuedyno/scenario/pace"
	"github.com/queuedyno/queuedyno/scenario/queueing"
)

// Staffing answers how many workers a load needs.
type Staffing struct {
	// Rate is in jobs per second. Service is the mean time for which a job
	// occupies a worker, round trips to Redis included where they are known.
	Rate      float64       `json:"rate_per_s"`
	Service   time.Duration `json:"service_ns"`
	ServiceCV float64       `json:"service_cv"`
	ArrivalCV float64       `json:"arrival_cv"`
	// From says where service and its variation come from.
	From string `json:"from"`
	SLO  string `json:"slo"`
	// Stall is for how long everything stands still once in StallEvery.
	Stall      time.Duration `json:"stall_ns"`
	StallEvery time.Duration `json:"stall_every_ns"`
	// Workers is the answer, 0 when no number meets the demand. Plans hold one
	// less, the answer, and one more.
	Workers int             `json:"workers"`
	Plans   []queueing.Plan `json:"plans"`
	// Rough says why the formulas are rough here, empty where they are not.
	Rough string `json:"rough"`
	// Outage is what happens while no worker works.
	Outage Outage `json:"outage"`
	Check  *Check `json:"check"`
}

// Outage is a time in which jobs come and no worker takes any.
type Outage struct {
	Length time.Duration `json:"length_ns"`
	Jobs   int64         `json:"jobs"`
	// Bytes is about what the jobs take in the memory of Redis.
	Bytes int64 `json:"bytes"`
	// Recovery is how long the answer's workers take to work them off beside the
	// load, 0 when they never do.
	Recovery time.Duration `json:"recovery_ns"`
}

// Check is a plan beside what was measured on a real Redis. The prediction is
// made with the service time that was measured, so that the formula is what is
// checked; the shortest time that any job took from producer to worker is added
// to it, since the formula counts waiting only.
type Check struct {
	Workers   int           `json:"workers"`
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

// Demand is the demand behind a staffing. Its SLO is an upper limit on a
// quantile of the queue, such as "queue.p99 < 20ms".
func (s Staffing) Demand() (queueing.Demand, error) {
	t, err := gate.Parse(s.SLO)
	if err != nil {
		return queueing.Demand{}, err
	}
	stage, q, ok := quantileOf(t)
	if !ok || stage != string(scenario.Queue) {
		return queueing.Demand{}, fmt.Errorf("slo %q: want an upper limit on a quantile of the time in the queue, such as queue.p99 < 20ms", s.SLO)
	}
	return queueing.Demand{
		Queue:    queueing.Queue{Rate: s.Rate, Service: s.Service, ArrivalSCV: s.ArrivalCV * s.ArrivalCV, ServiceSCV: s.ServiceCV * s.ServiceCV},
		Quantile: q, Limit: time.Duration(t.Value), Stall: s.Stall, StallEvery: s.StallEvery,
	}, nil
}

// Staff completes a staffing whose demand and Outage.Length are set. Payload is
// the size of what a job carries beside its id, in bytes.
func (s *Staffing) Staff(payload int) error {
	d, err := s.Demand()
	if err != nil {
		return err
	}
	c, ok := d.Staff()
	if ok {
		s.Workers = c
	} else {
		// To show how a number fares that is sensible otherwise.
		calm := d
		calm.Stall, calm.StallEvery = 0, 0
		c, _ = calm.Staff()
		c = max(c, 1)
	}
	s.Plans = nil
	for n := max(1, c-1); n <= c+1; n++ {
		s.Plans = append(s.Plans, d.With(n))
	}
	q := d.Queue
	q.Workers = c
	s.Rough = q.Rough()
	o := &s.Outage
	o.Jobs = int64(math.Ceil(s.Rate * o.Length.Seconds()))
	o.Bytes = o.Jobs * elementBytes(payload)
	if rho := q.Utilisation(); rho < 1 {
		o.Recovery = time.Duration(float64(o.Length) * rho / (1 - rho))
	}
	return nil
}

// elementBytes is about what one job takes in a list of Redis 7: 38.3 bytes were
// measured for an id of 36, and 1,176 for a payload of 1,000.
func elementBytes(payload int) int64 {
	if payload == 0 {
		return 40
	}
	return (int64(payload) + 80) * 11 / 10
}

// Measured takes the service time, its variation, and the rate where none is
// set, from a run.
func (s *Staffing) Measured(r *scenario.Result) error {
	mean, cv, err := cycle(r)
	if err != nil {
		return err
	}
	s.Service, s.ServiceCV = mean, cv
	if s.Rate == 0 {
		s.Rate = r.Rates.AchievedPerS
		if r.Rates.OfferedPerS != nil {
			s.Rate = *r.Rates.OfferedPerS
		}
	}
	if s.Rate <= 0 {
		return fmt.Errorf("result %s: no job was offered", r.Run.ID)
	}
	return nil
}

// cycle is for how long a job occupied a worker: its work, and the round trip
// that publishes and asks for the next one.
func cycle(r *scenario.Result) (mean time.Duration, cv float64, err error) {
	if n := r.Scenario.Batch; n > 1 {
		return 0, 0, fmt.Errorf("result %s: its workers took %d jobs at a time, and a job's time holds the wait for the others of its batch; measure with a batch of 1", r.Run.ID, n)
	}
	var ns, variance float64
	for _, stage := range []scenario.Stage{scenario.WorkTime, scenario.Publish} {
		s := r.Stages[stage]
		if s == nil && (r.Scenario.External || r.Scenario.Notify == jobqueue.NoNotify) {
			return 0, 0, fmt.Errorf("result %s: its workers' time cannot be told, because they are external or publish nothing", r.Run.ID)
		}
		if s == nil || s.MeanNS == nil || s.StddevNS == nil {
			return 0, 0, fmt.Errorf("result %s: no job went through the stage %s", r.Run.ID, stage)
		}
		ns += *s.MeanNS
		variance += *s.StddevNS * *s.StddevNS
	}
	if ns <= 0 {
		return 0, 0, errors.New("the workers of that run did nothing")
	}
	return time.Duration(ns), math.Sqrt(variance) / ns, nil
}

// Scenario is a load to check the plan with: its workers take the whole service
// time, and the same for every job, since that is what workers here can do.
func (s *Staffing) Scenario(payload int, seed uint64, length time.Duration) scenario.Scenario {
	sc := scenario.Scenario{
		Name: "plan", Description: fmt.Sprintf("Do %d workers keep %s?", s.Workers, s.SLO),
		Load:      scenario.Load{Rate: RateOf(s.Rate), Duration: length},
		Producers: 2, Consumers: s.Workers, Payload: payload, Seed: seed,
		Work: scenario.Work{Time: s.Service}, Warmup: min(2*time.Second, length/4),
	}
	if s.ArrivalCV > 0 {
		sc.Load.Arrivals = pace.Poisson
	}
	return sc.WithDefaults()
}

// Verify sets the plan beside a run of it.
func (s *Staffing) Verify(r *scenario.Result) error {
	c := &Check{Workers: r.Scenario.Consumers, Run: r.Run.ID}
	var err error
	if c.Service, c.ServiceCV, err = cycle(r); err != nil {
		return err
	}
	at := *s
	at.Service, at.ServiceCV = c.Service, c.ServiceCV
	if r.Rates.OfferedPerS != nil {
		at.Rate = *r.Rates.OfferedPerS
	}
	d, err := at.Demand()
	if err != nil {
		return err
	}
	p := d.With(c.Workers)
	s.Check = c
	t, _ := gate.Parse(s.SLO) // read by Demand
	measured, why, ok := r.Metric(t.Metric)
	switch {
	case r.Validity.Verdict == scenario.Invalid:
		c.Verdict = "the run is invalid and checks nothing"
	case !ok:
		c.Verdict = "nothing was measured to check it by: " + why
	case p.Wait == queueing.Unstable:
		c.Verdict = fmt.Sprintf("with the service time of %s that was measured the workers cannot keep up", c.Service.Round(time.Microsecond))
	default:
		c.Predicted, c.Measured = p.Wait, time.Duration(measured)
		if base := r.Stages[scenario.Queue].MinNS; base != nil {
			c.Predicted += time.Duration(*base)
		}
		c.judge(r, p)
	}
	return nil
}

// judge says whether the model fits, and what speaks against it.
func (c *Check) judge(r *scenario.Result, p queueing.Plan) {
	c.Ratio = float64(c.Measured) / float64(c.Predicted)
	c.Fits = c.Ratio >= 0.5 && c.Ratio <= 2
	if c.Fits {
		c.Verdict = "consistent: measured and predicted are within a factor of 2"
		return
	}
	c.Verdict = "the model does not fit"
	switch {
	case r.Validity.Triage.Where != "" && r.Validity.Triage.Where != "workers":
		c.Verdict += ": " + r.Validity.Triage.Detail
	case p.Wait < time.Millisecond:
		c.Verdict += ": hardly any job waits for a worker, and what is left is the scheduling of processes and the network, which it does not know"
	case c.Ratio < 1:
		c.Verdict += ": jobs wait less than it says, as they do when arrivals or service times are more regular than assumed"
	default:
		c.Verdict += ": jobs wait longer than it says, so something else than the workers delays them, or the load comes in bursts"
	}
}
