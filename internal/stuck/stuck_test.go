package stuck_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/stuck"
)

// Whatever is seen: a load is ended only after twice the time that a job may take, and
// neither where something excuses the silence nor where jobs are known to have begun. Each
// kind is warned of once at most, and before the end.
func TestALoadIsEndedLateAndNotWithoutAWarning(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := stuck.Watch{Drain: time.Duration(rapid.IntRange(0, 300).Draw(t, "drain")) * time.Second}
		var s stuck.Seen
		var first time.Duration // when there were ten jobs
		warned := map[stuck.Kind]bool{}
		for range rapid.IntRange(1, 200).Draw(t, "looks") {
			s.At += time.Duration(rapid.IntRange(1, 60).Draw(t, "s")) * time.Second
			s.Acked += rapid.Int64Range(0, 8).Draw(t, "acked")
			s.Waiting = nil
			if rapid.Bool().Draw(t, "known") {
				n := rapid.Int64Range(0, s.Acked).Draw(t, "waiting")
				s.Waiting = &n
			}
			s.Begun = s.Begun || rapid.IntRange(0, 99).Draw(t, "begun") == 0
			s.Excused = rapid.IntRange(0, 9).Draw(t, "excused") == 0
			if first == 0 && s.Acked >= 10 {
				first = s.At
			}
			warn, end := w.Look(s)
			if warn != stuck.Nothing {
				if warned[warn] || s.Excused || first == 0 || s.At-first < 5*time.Second {
					t.Fatalf("at %s: warned of %d; before: %v, excused %t, ten jobs since %s", s.At, warn, warned, s.Excused, first)
				}
				warned[warn] = true
			}
			if end && (s.Begun || s.Excused || first == 0 || s.At-first < max(30*time.Second, 2*w.Drain) || len(warned) == 0) {
				t.Fatalf("at %s: ended with drain %s; %+v, warned %v, ten jobs since %s", s.At, w.Drain, s, warned, first)
			}
		}
	})
}

// looks is what a watch says of a load of 100 jobs/s, second by second.
func looks(w *stuck.Watch, seen func(second int64, s *stuck.Seen)) (warned map[stuck.Kind]int64, ended int64) {
	warned = map[stuck.Kind]int64{}
	for second := int64(1); second <= 600; second++ {
		s := stuck.Seen{At: time.Duration(second) * time.Second, Acked: 100 * second}
		seen(second, &s)
		warn, end := w.Look(s)
		if warn != stuck.Nothing {
			warned[warn] = second
		}
		if end {
			return warned, second
		}
	}
	return warned, 0
}

func TestWhatIsMissingIsSeenFromTheQueue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seen         func(second int64, s *stuck.Seen)
		taken, ended int64 // when it is warned of each kind, 0 for never
		over         int64
	}{
		"all wait":           {func(_ int64, s *stuck.Seen) { s.Waiting = &s.Acked }, 6, 0, 41},
		"others wait, too":   {func(_ int64, s *stuck.Seen) { n := s.Acked + 5000; s.Waiting = &n }, 6, 0, 41},
		"taken":              {func(_ int64, s *stuck.Seen) { s.Waiting = new(int64) }, 0, 23, 43},
		"not known":          {func(int64, *stuck.Seen) {}, 0, 21, 41},
		"taken from 10 s on": {func(n int64, s *stuck.Seen) { left := min(s.Acked, 1000); s.Waiting = &left }, 6, 33, 53},
		"begun":              {func(_ int64, s *stuck.Seen) { s.Begun, s.Waiting = true, new(int64) }, 0, 23, 0},
		"excused for 30 s":   {func(n int64, s *stuck.Seen) { s.Excused, s.Waiting = n <= 30, new(int64) }, 0, 50, 70},
		"excused":            {func(_ int64, s *stuck.Seen) { s.Excused, s.Waiting = true, &s.Acked }, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			warned, over := looks(&stuck.Watch{Drain: 20 * time.Second}, c.seen)
			if warned[stuck.NoneTaken] != c.taken || warned[stuck.NoneEnded] != c.ended || over != c.over {
				t.Errorf("warned %v, ended at %d; want %d, %d and %d", warned, over, c.taken, c.ended, c.over)
			}
		})
	}
}
