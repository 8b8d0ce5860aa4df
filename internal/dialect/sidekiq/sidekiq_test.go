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

func TestAListMayHaveANamespace(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"queue:mails": "mails", "shop:queue:mails": "mails", "a:b:queue:c:d": "c:d", "queue:a:queue:b": "a:queue:b",
		"mails": "", "queue:": "", "shop:queue:": "", "shopqueue:mails": "",
	} {
		if got := nameOf(list); got != want {
			t.Errorf("%q is the list of %q, want %q", list, got, want)
		}
	}
}
