package engine

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
		play         func(s *silence)
		from, length time.Duration
		lasts        bool
	}{
		"answers all the time": {func(s *silence) { s.answer(1 * second); s.answer(9 * second) }, 0, 0, false},
		"refused, not silent":  {func(s *silence) { s.answer(1 * second); s.giveUp(errors.New("connection refused")) }, 0, 0, false},
		"over":                 {func(s *silence) { s.answer(1 * second); s.giveUp(late); s.answer(4 * second); s.answer(10 * second) }, time.Second, 3 * time.Second, false},
		"lasts":                {func(s *silence) { s.answer(1 * second); s.giveUp(late); s.giveUp(late) }, time.Second, 9 * time.Second, true},
		"the longer of two": {func(s *silence) {
			s.answer(1 * second)
			s.giveUp(late)
			s.answer(7 * second)
			s.giveUp(late)
		}, time.Second, 6 * time.Second, false},
	} {
		var s silence
		c.play(&s)
		if from, length, lasts := s.longest(10 * second); from != c.from || length != c.length || lasts != c.lasts {
			t.Errorf("%s: %v, %v, %v; want %v, %v, %v", name, from, length, lasts, c.from, c.length, c.lasts)
		}
	}
}
