package study

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/queueing"
	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Staffing answers how many workers a load needs.
type Staffing struct {
	Schema int    `json:"schema"`
	Kind   string `json:"kind"` // "plan"
	// Rate is in jobs per second. Service is the mean time for which a job
	// occupies a worker, round trips to Redis included where they are known.
	Rate      float64       `json:"rate_per_s"`
	Service   time.Duration `json:"service_ns"`
	ServiceCV float64       `json:"service_cv"`
	ArrivalCV float64       `json:"arrival_cv"`
	// From says where service and its variation come from, Notes what is to be
	// known of figures that were measured.
	From  string   `json:"from"`
	Notes []string `json:"notes"`
	// SLO are the limits, all of which have to hold: upper ones on quantiles of
	// the queue, such as "queue.p99 < 20ms".
	SLO []string `json:"slo"`
	// Stall is for how long everything stands still once in StallEvery.
	Stall      time.Duration `json:"stall_ns"`
	StallEvery time.Duration `json:"stall_every_ns"`
	// Workers is the answer, 0 when no number meets the demand. Plans hold one
	// less, the answer, and one more.
	Workers int    `json:"workers"`
	Plans   []Plan `json:"plans"`
	// Rough says why the formulas are rough here, empty where they are not.
	Rough string `json:"rough"`
	// Outage is what happens while no worker works.
	Outage Outage `json:"outage"`
	Check  *Check `json:"check"`
}

// Plan is how all limits fare with a number of workers. Wait and StallShare are
// those of the first limit, Meets and Why are about all of them.
type Plan struct {
	queueing.Plan
	// Waits are the waits at the quantiles of the limits, in their order.
	Waits []time.Duration `json:"waits_ns"`
}

// Outage is a time in which jobs come and no worker takes any.
type Outage struct {
	Length time.Duration `json:"length_ns"`
	Jobs   int64         `json:"jobs"`
	// Bytes is about what the jobs take in the memory of Redis.
	Bytes int64 `json:"bytes"`
	// Recovery is how long the answer's workers take to work them off on top of the
	// load, 0 when they never do.
	Recovery time.Duration `json:"recovery_ns"`
}

// Demands are the demands behind a staffing, one for each limit.
func (s Staffing) Demands() ([]queueing.Demand, error) {
	if s.Stall > 0 && s.Stall >= s.StallEvery {
		return nil, fmt.Errorf("stall: it lasts %s and comes every %s, so nothing would ever move", s.Stall, s.StallEvery)
	}
	if len(s.SLO) == 0 {
		return nil, errors.New("slo: there is no limit to plan for")
	}
	var all []queueing.Demand
	for _, slo := range s.SLO {
		t, err := threshold.Parse(slo)
		if err != nil {
			return nil, err
		}
		stage, q, ok := quantileOf(t)
		if !ok || stage != string(metric.Queue) {
			return nil, fmt.Errorf("slo %q: want an upper limit on a quantile of the time in the queue, such as queue.p99 < 20ms", slo)
		}
		name := ""
		if len(s.SLO) > 1 {
			name = slo
		}
		all = append(all, queueing.Demand{
			Name:     name,
			Queue:    queueing.Queue{Rate: s.Rate, Service: s.Service, ArrivalSCV: s.ArrivalCV * s.ArrivalCV, ServiceSCV: s.ServiceCV * s.ServiceCV},
			Quantile: q, Limit: time.Duration(t.Value), Stall: s.Stall, StallEvery: s.StallEvery,
		})
	}
	return all, nil
}

// least is the smallest number of workers that meets all demands: that of the
// one that takes most, since more workers never make any worse.
func least(demands []queueing.Demand) (workers int, ok bool) {
	ok = true
	for _, d := range demands {
		c, meets := d.Staff()
		workers, ok = max(workers, c), ok && meets
	}
	return workers, ok
}

// with is how the limits fare with so many workers.
func with(demands []queueing.Demand, workers int) Plan {
	var p Plan
	for i, d := range demands {
		one := d.With(workers)
		if i == 0 {
			p.Plan = one
		} else if p.Meets && !one.Meets {
			p.Meets, p.Why = false, one.Why
		}
		p.Waits = append(p.Waits, one.Wait)
	}
	return p
}

// Staff completes a staffing whose demand and Outage.Length are set. Payload is
// the size of what a job carries besides its id, in bytes.
func (s *Staffing) Staff(payload int) error {
	demands, err := s.Demands()
	if err != nil {
		return err
	}
	c, ok := least(demands)
	if ok {
		s.Workers = c
	} else {
		// To show how a number fares that is sensible otherwise.
		calm := slices.Clone(demands)
		for i := range calm {
			calm[i].Stall, calm[i].StallEvery = 0, 0
		}
		c, _ = least(calm)
		c = max(c, 1)
	}
	s.Plans = nil
	for n := max(1, c-1); n <= c+1; n++ {
		s.Plans = append(s.Plans, with(demands, n))
	}
	q := demands[0].Queue
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

// Scenario is a load to check the plan with: its workers take the whole service
// time, and the same for every job, since that is what workers here can do.
func (s *Staffing) Scenario(payload int, seed uint64, length time.Duration) scenario.Scenario {
	sc := scenario.Scenario{
		Name: "plan", Description: fmt.Sprintf("Do %d workers keep %s?", s.Workers, strings.Join(s.SLO, " and ")),
		Load:      scenario.Load{Rate: RateOf(s.Rate), Duration: length},
		Producers: 2, Consumers: s.Workers, Payload: payload, Seed: seed,
		Work: scenario.Work{Time: s.Service}, Warmup: min(2*time.Second, length/4),
	}
	if s.ArrivalCV > 0 {
		sc.Load.Arrivals = pace.Poisson
	}
	return sc.WithDefaults()
}
