package rendertest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/record"
	"github.com/queuedyno/queuedyno/result"
)

// SecondLaw gives how many jobs ended in a second, counted from 0, and by what factor their
// latency was above the median of the stage.
type SecondLaw func(second int) (jobs int, slower float64)

// Over makes a run last so many seconds, all of them in its window, and returns its
// interval log. Each stage has the jobs of the law in each second, as the result's
// summary of the stage has them in all.
func Over(t testing.TB, r *result.Result, seconds int, law SecondLaw) []byte {
	t.Helper()
	type kind struct {
		stage  metric.Stage
		jobs   int
		slower float64
	}
	type made struct {
		row  *result.SecondStage
		h    *latency.Histogram
		code string
	}
	cache := map[kind]made{}
	whole := map[metric.Stage]*latency.Histogram{}
	for stage := range r.Stages {
		whole[stage] = latency.New()
	}
	medians := backendMedians()
	var log bytes.Buffer
	log.WriteString("#[Histogram log format version 1.3]\n")
	r.Timeline = nil
	backlog, total := int64(0), int64(0)
	for i := range seconds {
		jobs, slower := law(i)
		row := result.Second{ElapsedS: float64(i + 1), LengthS: 1, Phase: "window", Offered: 1000, Sent: 1000, Notified: int64(jobs), Stages: map[metric.Stage]*result.SecondStage{}}
		backlog = max(0, backlog+1000-int64(jobs))
		total += int64(jobs)
		row.Backlog, row.BacklogMax, row.QueueLen = backlog, backlog+9, Ptr(backlog)
		for stage := range r.Stages {
			k := kind{stage, jobs, slower}
			m, found := cache[k]
			if !found {
				m.h = latency.New()
				for j := range jobs {
					m.h.Record(Tail(int64(float64(medians[stage])*slower))(j, jobs))
				}
				m.row = record.Second(m.h)
				var err error
				if m.code, err = m.h.Encode(); err != nil {
					t.Fatal(err)
				}
				cache[k] = m
			}
			row.Stages[stage] = m.row
			whole[stage].Merge(m.h)
			if jobs > 0 {
				fmt.Fprintf(&log, "Tag=%s,%d.000,1.000,%.3f,%s\n", stage, i, float64(m.h.Max())/1e6, m.code)
			}
		}
		r.Timeline = append(r.Timeline, row)
	}
	for stage, h := range whole {
		s := *r.Stages[stage]
		code, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		s.Count, s.HDR, s.MinNS, s.MaxNS = h.Count(), code, Ptr(h.Min()), Ptr(h.Max())
		r.Stages[stage] = &s
	}
	r.Window = result.Window{ToNS: int64(seconds) * 1e9, Scheduled: total, Completed: total}
	return log.Bytes()
}

// Hour is a run of one hour that measured many stages, with its interval log.
func Hour(t testing.TB) (*result.Result, []byte) {
	t.Helper()
	r := Stored(t)
	return r, Over(t, r, 3600, func(second int) (int, float64) {
		switch at := second % 600; {
		case at < 10:
			return 200, 300 // a stall, now and then
		case at < 30:
			return 1400, 60
		}
		return 990 + second%3, 1 + float64(second%3)/10
	})
}

// Stall is a run of twenty seconds in which the server answered nothing for three, with
// its interval log.
func Stall(t testing.TB) (*result.Result, []byte) {
	t.Helper()
	r := Steady(t)
	r.Warnings = []string{"the server answered nothing for 3.0 s, from 8.0 s of the run on: the latencies and the backlog of that time are this stall"}
	r.Stall = &result.Stall{FromNS: 8e9, ToNS: 11e9}
	return r, Over(t, r, 20, func(second int) (int, float64) {
		switch {
		case second >= 8 && second < 11:
			return 0, 1
		case second == 11:
			return 4000, 1500
		}
		return 1000, 1 + float64(second%3)/10
	})
}
