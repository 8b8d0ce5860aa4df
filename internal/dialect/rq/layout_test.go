package rq_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/dialect/rq"
)

const id = "0123abcd-0000-4000-8000-0000000000ff"

func TestAJobIsFoundAsItWasWrittenAndByItsIDAlone(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", "[]", `[42, {"to":"them"}]`} {
		for _, payload := range []string{"", "abc"} {
			l, err := rq.Dialect{}.Layout(dialect.Jobs{Queue: "rq:queue:mails", Name: "tasks.work", Args: args, Payload: payload != ""})
			if err != nil {
				t.Fatal(err)
			}
			j := dialect.Job{Payload: payload}
			copy(j.ID[:], id)
			element := l.Append(nil, j)
			if len(element) != l.Max(len(payload)) {
				t.Errorf("%q has %d bytes, and Max is %d", element, len(element), l.Max(len(payload)))
			}
			for _, e := range []string{string(element), id} {
				if got := l.Find([]byte(e)); string(got) != id || !l.Whole([]byte(e), j) {
					t.Errorf("in %q the id %q was found, whole = %t", e, got, l.Whole([]byte(e), j))
				}
			}
			if element[len(element)-1]++; l.Whole(element, j) {
				t.Errorf("%q passes for whole", element)
			}
		}
	}
}

func TestAJobIsWrittenWithoutAllocating(t *testing.T) {
	l, err := rq.Dialect{}.Layout(dialect.Jobs{Queue: "rq:queue:mails", Name: "tasks.work", Args: "[1]", Payload: true})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, l.Max(3))
	if n := testing.AllocsPerRun(10, func() { l.Append(dst, dialect.Job{Payload: "abc"}) }); n > 0 {
		t.Errorf("Append allocates %.0f times", n)
	}
}

func TestWhatRQCannotHaveIsRefused(t *testing.T) {
	t.Parallel()
	for _, queue := range []string{"mails", "rq:queue:", "rq:queue: "} {
		if _, err := (rq.Dialect{}).Layout(dialect.Jobs{Queue: queue, Name: "a.b"}); err == nil {
			t.Errorf("%q was taken", queue)
		}
	}
	for _, args := range []string{`{"a":1}`, `[1`, `[1] 2`, `7`, `[1e999]`} {
		if _, err := (rq.Dialect{}).Layout(dialect.Jobs{Queue: "rq:queue:a", Name: "a.b", Args: args}); err == nil {
			t.Errorf("arguments %s were taken", args)
		}
	}
}
