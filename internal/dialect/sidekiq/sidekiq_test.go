package sidekiq

import (
	"testing"

	"pgregory.net/rapid"
)

func TestTheJIDsOfARunDiffer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfNDistinct(rapid.Int64Range(0, 1<<47-2), 2, 2, rapid.ID).Draw(t, "numbers")
		a, b := appendJID(nil, 1<<59, numbers[0]), appendJID(nil, 1<<59, numbers[1])
		if string(a) == string(b) || len(a) != jidLen {
			t.Fatalf("jobs %d are %s and %s", numbers, a, b)
		}
	})
}
