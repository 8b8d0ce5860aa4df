package observe

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTheOldestBeginningMakesRoomForTheNewest(t *testing.T) {
	t.Parallel()
	b := newBegun(3)
	for i := range 5 {
		b.begin(fmt.Append(nil, i), time.Duration(i))
	}
	for i, want := range []bool{false, false, true, true, true} {
		if at, known := b.end(fmt.Append(nil, i)); known != want || known && at != time.Duration(i) {
			t.Errorf("end(%d) = %v, %t, want %t", i, at, known, want)
		}
	}
	if b.forgotten != 2 || len(b.jobs) != 0 || b.order.Len() != 0 {
		t.Errorf("%d forgotten, %d and %d kept; want 2 and none", b.forgotten, len(b.jobs), b.order.Len())
	}
}

func TestAJobThatBeginsAgainCountsFromThenOn(t *testing.T) {
	t.Parallel()
	b := newBegun(3)
	b.begin([]byte("a"), 1)
	b.begin([]byte("a"), 7)
	if at, known := b.end([]byte("a")); !known || at != 7 || b.forgotten != 0 {
		t.Errorf("end = %v, %t with %d forgotten", at, known, b.forgotten)
	}
}

func TestAnEndlessIDIsNotKept(t *testing.T) {
	t.Parallel()
	b := newBegun(3)
	id := []byte(strings.Repeat("x", longestID+1))
	b.begin(id, 1)
	if _, known := b.end(id); known || b.forgotten != 1 {
		t.Errorf("kept: %t, forgotten: %d", known, b.forgotten)
	}
}
