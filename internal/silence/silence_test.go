package silence

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestTheLongestStallIsFoundWhetherItIsOverOrLasts(t *testing.T) {
	t.Parallel()
	const second = int64(time.Second)
	late := context.DeadlineExceeded
	for name, c := range map[string]struct {
		play         func(s *Silence)
		from, length time.Duration
		lasts        bool
	}{
		"answers all the time": {func(s *Silence) { s.Answer(1 * second); s.Answer(9 * second) }, 0, 0, false},
		"refused, not silent":  {func(s *Silence) { s.Answer(1 * second); s.GiveUp(errors.New("connection refused")) }, 0, 0, false},
		"over":                 {func(s *Silence) { s.Answer(1 * second); s.GiveUp(late); s.Answer(4 * second); s.Answer(10 * second) }, time.Second, 3 * time.Second, false},
		"lasts":                {func(s *Silence) { s.Answer(1 * second); s.GiveUp(late); s.GiveUp(late) }, time.Second, 9 * time.Second, true},
		"the longer of two": {func(s *Silence) {
			s.Answer(1 * second)
			s.GiveUp(late)
			s.Answer(7 * second)
			s.GiveUp(late)
		}, time.Second, 6 * time.Second, false},
	} {
		var s Silence
		c.play(&s)
		if from, length, lasts := s.Longest(10 * second); from != c.from || length != c.length || lasts != c.lasts {
			t.Errorf("%s: %v, %v, %v; want %v, %v, %v", name, from, length, lasts, c.from, c.length, c.lasts)
		}
	}
}

func TestASilenceIsRememberedForAWhileHoweverLongOthersWere(t *testing.T) {
	t.Parallel()
	const second = int64(time.Second)
	var s Silence
	within := func(at int64, want bool) {
		t.Helper()
		if got := s.Within(3*time.Second, at*second); got != want {
			t.Errorf("at %d s: %t, want %t", at, got, want)
		}
	}
	s.Answer(1 * second)
	within(2, false)
	s.GiveUp(context.DeadlineExceeded)
	within(5, true)
	s.Answer(9 * second)
	within(11, true)
	within(12, false)
	s.Answer(20 * second)
	within(20, false)
	s.GiveUp(context.DeadlineExceeded) // shorter than the first
	s.Answer(22 * second)
	within(24, true)
	within(26, false)
}
