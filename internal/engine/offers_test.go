package engine

import (
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/ledger"
)

func TestADayOfOffersIsBoundedAndTheLastHourIsExact(t *testing.T) {
	t.Parallel()
	o := newOffers()
	total := func(at time.Duration) int64 { return int64(at/time.Second) * int64(at/time.Second) } // the rate rises
	const day = 24 * time.Hour
	for at := time.Second; at <= day; at += time.Second {
		o.add(at, total(at))
		if len(o.recent) > maxOffers || len(o.whole.Kept) > maxOffers {
			t.Fatalf("%d and %d offers after %v, want at most %d", len(o.recent), len(o.whole.Kept), at, maxOffers)
		}
	}
	for at := day - time.Hour; at <= day; at += 7 * time.Second {
		if got := o.by(at); got != float64(total(at)) {
			t.Fatalf("%v offered by %v, want %d", got, at, total(at))
		}
	}
	// Between two ends it is on the line between them, before the first one too.
	if got, want := o.by(day-time.Second/2), float64(total(day)+total(day-time.Second))/2; got != want {
		t.Errorf("%v offered half a second before the end, want %v", got, want)
	}
	if got := o.by(day + time.Hour); got != float64(total(day)) {
		t.Errorf("%v offered after the end, want all %d", got, total(day))
	}
	for at := time.Duration(0); at < day; at += 97 * time.Minute {
		// What is long ago is known for every 16 s.
		if got, below, above := o.by(at), total(max(0, at-16*time.Second)), total(at+16*time.Second); got < float64(below) || got > float64(above) {
			t.Errorf("%v offered by %v, want %d to %d", got, at, below, above)
		}
	}
}

func TestLossesOfALongRunKeepTheirSumAndTheirOrder(t *testing.T) {
	t.Parallel()
	l := newLosses()
	const n = 200_000
	step := int64(432 * time.Millisecond) // so many make a day
	for i := range int64(n) {
		l.add(i*step, ledger.LegRefused)
		if len(l.at) > maxLossy {
			t.Fatalf("%d bins after %d losses, want at most %d", len(l.at), i+1, maxLossy)
		}
	}
	half := n / 2 * step
	by := l.by(2, func(due int64) int {
		if due < half {
			return 0
		}
		return 1
	})
	first, second := by[0][ledger.LegRefused], by[1][ledger.LegRefused]
	within := l.bin/step + 1
	if first+second != n || first < n/2-within || first > n/2+within {
		t.Errorf("%d and %d lost in the halves, want %d in all and as many in each", first, second, n)
	}
}
