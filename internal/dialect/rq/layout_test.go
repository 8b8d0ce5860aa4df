package rq_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/dialect/dialecttest"
	"github.com/queuedyno/queuedyno/internal/dialect/rq"
)

func TestAJobIsFoundAsItWasWrittenAndByItsIDAlone(t *testing.T) {
	t.Parallel()
	dialecttest.Layout(t, rq.Dialect{}, dialect.Jobs{Queue: "rq:queue:mails", Name: "tasks.work"}, "", "[]", `[42, {"to":"them"}]`)
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
