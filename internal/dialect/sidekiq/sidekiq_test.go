package sidekiq

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/dialect"
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

// A job is found as it was written, with its arguments, and is JSON.
func TestAJobIsFoundAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", "[]", ` [42, "a"] `, `[{"b": [1]}]`} {
		for _, payload := range []string{"", "abc"} {
			l, err := Dialect{}.Layout(dialect.Jobs{Queue: "queue:mails", Name: "HardJob", Args: args, Payload: payload != ""})
			if err != nil {
				t.Fatal(err)
			}
			j := dialect.Job{Run: 1 << 59, Number: 7, Payload: payload}
			copy(j.ID[:], "0123abcd-0000-4000-8000-0000000000ff")
			element := l.Append(nil, j)
			var job struct {
				ID   string
				Args []any
			}
			if err := json.Unmarshal(element, &job); err != nil {
				t.Fatalf("%s: %v", element, err)
			}
			want := 1 // the id, or the arguments
			switch args {
			case "[]":
				want = 0
			case ` [42, "a"] `:
				want = 2
			}
			if payload != "" {
				want++
			}
			if len(job.Args) != want || (args != "") != (job.ID != "") {
				t.Errorf("%s has %d arguments, want %d, and the id %q", element, len(job.Args), want, job.ID)
			}
			if got := l.Find(element); string(got) != string(j.ID[:]) || !l.Whole(element, j) || len(element) > l.Max(len(payload)) {
				t.Errorf("%s: found %q, whole = %t, at most %d bytes", element, got, l.Whole(element, j), l.Max(len(payload)))
			}
		}
	}
}
