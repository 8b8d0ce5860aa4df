package thin_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/internal/thin"
)

// TestASeriesIsBoundedAndEven adds more and more values. What is kept are the multiples of
// Every, from the first on and without a gap.
func TestASeriesIsBoundedAndEven(t *testing.T) {
	const most = 8
	s := thin.New[int64](most)
	for n := int64(1); n <= 1000; n++ {
		s.Add(n)
		if len(s.Kept) > most || int64(len(s.Kept)) != n/s.Every {
			t.Fatalf("after %d values %d are kept, every %d", n, len(s.Kept), s.Every)
		}
		for i, v := range s.Kept {
			if want := int64(i+1) * s.Every; v != want {
				t.Fatalf("after %d values the one at %d is %d, want %d", n, i, v, want)
			}
		}
	}
	if n := testing.AllocsPerRun(100, func() { s.Add(1) }); n != 0 {
		t.Errorf("Add allocates %v times", n)
	}
}
