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
