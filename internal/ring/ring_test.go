package ring_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/ring"
)

// A ring does what a slice does that is appended to and cut at its front.
func TestARingIsAQueue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var r ring.Ring[int]
		var want, taken []int
		next := 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				for range rapid.IntRange(1, 40).Draw(t, "n") {
					r.Push(next)
					want = append(want, next)
					next++
				}
				taken = nil
			},
			"pop": func(t *rapid.T) {
				v, ok := r.Pop()
				if ok != (len(want) > 0) || ok && v != want[0] {
					t.Fatalf("Pop = %d, %v of %v", v, ok, want)
				}
				if ok {
					taken, want = append(taken, v), want[1:]
				}
			},
			"unpop": func(t *rapid.T) {
				n := rapid.IntRange(0, len(taken)).Draw(t, "n")
				r.Unpop(n)
				want = append(slices.Clone(taken[len(taken)-n:]), want...)
				taken = taken[:len(taken)-n]
			},
			"clear": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") == 0 {
					r.Clear()
					want, taken = nil, nil
				}
			},
			"": func(t *rapid.T) {
				if r.Len() != len(want) {
					t.Fatalf("Len = %d, want %d", r.Len(), len(want))
				}
				for i, w := range want {
					if *r.At(i) != w {
						t.Fatalf("At(%d) = %d of %v", i, *r.At(i), want)
					}
				}
			},
		})
	})
}

func TestARingThatDoesNotGrowDoesNotAllocate(t *testing.T) {
	var r ring.Ring[[]byte]
	turn := func() {
		for range 10 {
			place := r.Next()
			*place = append((*place)[:0], "some text"...)
		}
		for range 10 {
			r.Pop()
		}
	}
	for range 10 {
		turn() // every place has its storage
	}
	if n := testing.AllocsPerRun(100, turn); n != 0 {
		t.Errorf("%v allocations a turn", n)
	}
}
