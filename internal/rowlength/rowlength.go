// Package rowlength says how long the rows of a run are: those of its timeline and of its
// interval log. A run of at most an hour has rows of a second or less; in a longer one
// rows are longer, so that their number, and with it memory and disk, does not grow with
// the length of the run. It holds no rows. Begin reading at [Of].
package rowlength

import (
	"time"

	"github.com/queuedyno/queuedyno/scenario"
)

// Most is how many rows a schedule of a known length has at most: an hour of rows of a
// second. The drain has further rows, and where one phase follows another a row is cut.
const Most = 3600

// A run of at most shortRun has rows of shortRow. One that is observed has rows of a second
// or more always: the trend of its queue is judged by them, and closer ones would not be
// independent of each other.
const (
	shortRun = 30 * time.Second
	shortRow = 100 * time.Millisecond
)

// Rows says how long rows are. It does not change, and is safe for concurrent use.
type Rows struct {
	length time.Duration // 0 where the length of the run is not known
	most   time.Duration // the length of that many rows of a second
}

// Of is how long the rows of a scenario are, of which its schedule has at most so many; 0
// means [Most]. The number must be even.
//
// Rows of a second are joined to rows of as many seconds as it takes. Where no one knows
// how long the run takes, rows become longer with time: the first so many are of a second,
// and each time that the run has become twice as long, half as many rows follow that are
// twice as long. A day then has 12,000 rows, and a year 27,000.
func Of(s scenario.Scenario, most int) Rows {
	if most == 0 {
		most = Most
	}
	r := Rows{most: time.Duration(most) * time.Second}
	switch length := scheduled(s); {
	case length == 0:
	case length <= shortRun && !s.Load.Observed:
		r.length = shortRow
	default:
		r.length = (length + r.most - 1) / r.most * time.Second
	}
	return r
}

// scheduled is how long the schedule takes, 0 where that is not known.
func scheduled(s scenario.Scenario) time.Duration {
	length := s.Load.Duration
	if n := s.Load.Jobs; n > 0 && !s.Load.Rate.IsZero() {
		if d := time.Duration(float64(n) / s.Load.Rate.Float() * float64(time.Second)); length == 0 || d < length {
			length = d
		}
	}
	return length
}

// Fine is how often rows are written: a second, or less in a short run.
func (r Rows) Fine() time.Duration {
	if r.length > 0 {
		return min(r.length, time.Second)
	}
	return time.Second
}

// At is the length of the row that holds a moment.
func (r Rows) At(moment time.Duration) time.Duration {
	if r.length > 0 {
		return r.length
	}
	length := time.Second
	for until := r.most; moment >= until; until *= 2 {
		length *= 2
	}
	return length
}

// Slot names the row that a second belongs to, by a moment in it. Seconds of the same slot
// are joined to one row.
type Slot struct {
	// Joined is the length of the row, 0 where each second has rows for itself. Such slots are
	// not compared.
	Joined time.Duration
	at     time.Duration
}

// Slot is the slot of a second in which that moment lies.
func (r Rows) Slot(moment time.Duration) Slot {
	length := r.At(moment)
	if length <= time.Second {
		return Slot{}
	}
	return Slot{Joined: length, at: moment / length}
}

// Joins reports whether a second of the next slot belongs to the row of this one.
func (s Slot) Joins(next Slot) bool { return s.Joined > 0 && s == next }

// End is the end of the row that holds a moment, where no phase cuts it.
func (r Rows) End(moment time.Duration) time.Duration {
	length := r.At(moment)
	return (moment/length + 1) * length
}
