package reconnect_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/reconnect"
)

// lose opens a connection and loses it after a while, until another one is pointless or
// there were most of them. It returns how many there were.
func lose(k *reconnect.Streak, after time.Duration, said bool, most int) int {
	for n := 1; n <= most; n++ {
		k.Opened()
		time.Sleep(after)
		if _, over := k.Next(said, time.Minute); over {
			return n
		}
	}
	return most
}

func TestARowOfRefusedConnectionsHasAnEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after time.Duration
		said  bool
		want  int
	}{
		"closed at once":                      {ms, false, 10},
		"closed at once with a reason":        {ms, true, 1000},
		"reasons, until the patience is over": {99 * ms, true, 608},
		"each was good for a while":           {100 * ms, false, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if got := lose(new(reconnect.Streak), c.after, c.said, 1000); got != c.want {
					t.Errorf("given up after %d connections, want %d", got, c.want)
				}
			})
		})
	}
}

func TestAnAnswerEndsTheRow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var k reconnect.Streak
		for range 100 {
			if got := lose(&k, ms, false, 9); got != 9 {
				t.Fatalf("given up after %d connections of 9", got)
			}
			k.Answered()
		}
	})
}
