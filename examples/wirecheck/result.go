package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strconv"
	"strings"
	"time"
)

// result is what a comparison needs of a result.json.
type result struct {
	Schema int
	Run    struct {
		ID       string
		Scenario string
	}
	Scenario struct {
		Subscribers int
		Batch       int
		Load        struct {
			Rate     string
			Arrivals string
		}
	}
	Window struct {
		FromNS    int64 `json:"from_ns"`
		Scheduled int64
		Completed int64
	}
	Stages map[string]struct {
		P50NS *int64 `json:"p50_ns"`
		P99NS *int64 `json:"p99_ns"`
	}
	Validity struct{ Verdict string }

	first        int64 // number of the first job of the window
	p50NS, p99NS int64 // of from_send
}

// readResult reads a result.json. It refuses runs whose packets would not show
// what from_send is, or not which of the jobs are in the window.
func readResult(path string) (*result, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r result
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("read %q: %w", path, err)
	}
	if err := r.complete(); err != nil {
		return nil, fmt.Errorf("read %q: %w", path, err)
	}
	return &r, nil
}

func (r *result) complete() error {
	from := r.Stages["from_send"]
	switch {
	case r.Schema != 1:
		return fmt.Errorf("schema %d, want 1", r.Schema)
	case r.Scenario.Subscribers != 1:
		return fmt.Errorf("%d subscribers; run it with --subscribers 1", r.Scenario.Subscribers)
	case r.Scenario.Batch != 1 || r.Scenario.Load.Arrivals != "constant":
		// Only then is the first job of the window found by a division.
		return errors.New("not one job at a time at a constant rate; run it with --batch 1 --arrivals constant")
	case r.Validity.Verdict == "invalid":
		return fmt.Errorf("%w: queuedyno itself says that the run is invalid", errInconclusive)
	case r.Window.Completed != r.Window.Scheduled:
		return fmt.Errorf("%w: %d of %d jobs of the window were lost", errInconclusive, r.Window.Scheduled-r.Window.Completed, r.Window.Scheduled)
	case from.P50NS == nil || from.P99NS == nil:
		return fmt.Errorf("%w: from_send has no p50 or no p99; run longer", errInconclusive)
	}
	r.p50NS, r.p99NS = *from.P50NS, *from.P99NS
	var err error
	r.first, err = dueBefore(r.Scenario.Load.Rate, r.Window.FromNS)
	return err
}

// dueBefore is how many jobs are due before t at a constant rate such as
// "1000/s": job k is due k intervals after the epoch.
func dueBefore(rate string, t int64) (int64, error) {
	number, unit, _ := strings.Cut(rate, "/")
	per, known := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	jobs, err := strconv.ParseInt(number, 10, 64)
	if err != nil || jobs <= 0 || !known {
		return 0, fmt.Errorf("rate %q is not a whole number of jobs a second, minute or hour; run it with --rate 1000/s", rate)
	}
	// The smallest k with floor(k*per/jobs) >= t.
	k := new(big.Int).Mul(big.NewInt(t), big.NewInt(jobs))
	k.Add(k, big.NewInt(int64(per)-1))
	return k.Div(k, big.NewInt(int64(per))).Int64(), nil
}
