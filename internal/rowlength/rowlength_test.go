package rowlength_test

import (
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/rowlength"
	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func lasting(d time.Duration) scenario.Scenario {
	return scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(100), Duration: d}}
}

// rowsOf counts the rows of the seconds of a run.
func rowsOf(r rowlength.Rows, d time.Duration) (n int) {
	var last rowlength.Slot
	for at := time.Duration(0); at < d; at += time.Second {
		slot := r.Slot(at + time.Second/2)
		if !last.Joins(slot) {
			n++
		}
		last = slot
	}
	return n
}

func TestRowsAreAsLongAsTheScheduleNeeds(t *testing.T) {
	t.Parallel()
	tenThousand := scenario.Scenario{Load: scenario.Load{Rate: pace.PerSecond(1), Jobs: 10_000}}
	watched := lasting(10 * time.Second)
	watched.Load.Observed = true
	for name, c := range map[string]struct {
		s          scenario.Scenario
		fine, each time.Duration
	}{
		"a short run":                {lasting(30 * time.Second), 100 * time.Millisecond, 100 * time.Millisecond},
		"a short run that observes":  {watched, time.Second, time.Second},
		"a minute":                   {lasting(time.Minute), time.Second, time.Second},
		"an hour":                    {lasting(time.Hour), time.Second, time.Second},
		"a second more":              {lasting(time.Hour + time.Second), time.Second, 2 * time.Second},
		"a day":                      {lasting(24 * time.Hour), time.Second, 24 * time.Second},
		"so many jobs that it lasts": {tenThousand, time.Second, 3 * time.Second},
	} {
		r := rowlength.Of(c.s, 0)
		if r.Fine() != c.fine || r.At(0) != c.each || r.At(23*time.Hour) != c.each {
			t.Errorf("%s: rows of %v, joined to %v; want %v and %v", name, r.Fine(), r.At(0), c.fine, c.each)
		}
	}
}

func TestTheNumberOfRowsIsBounded(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{time.Minute, time.Hour, 61 * time.Minute, 100 * time.Minute, 24 * time.Hour, 7 * 24 * time.Hour} {
		if n := rowsOf(rowlength.Of(lasting(d), 0), d); n > rowlength.Most || n < min(int(d.Seconds()), rowlength.Most/2) {
			t.Errorf("%v: %d rows, want at most %d, and no fewer than half of that without need", d, n, rowlength.Most)
		}
	}
}

// Without a known length the rows of each doubling are half of the first hour's.
func TestRowsOfARunWithoutAKnownLengthBecomeLonger(t *testing.T) {
	t.Parallel()
	endless := rowlength.Of(scenario.Scenario{Load: scenario.Load{InFlight: 10}}, 0)
	want, d := rowlength.Most, time.Hour
	for range 8 {
		if n := rowsOf(endless, d); n != want {
			t.Errorf("%v: %d rows, want %d", d, n, want)
		}
		want, d = want+rowlength.Most/2, 2*d
	}
	if n := rowsOf(endless, 24*time.Hour); n > 12_000 {
		t.Errorf("a day has %d rows", n)
	}
}
