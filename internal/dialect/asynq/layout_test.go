package asynq_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/dialect/asynq"
)

const id = "0123abcd-0000-4000-8000-0000000000ff"

func TestATaskIsFoundAsItWasWrittenAndByItsIDAlone(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", `{"to":"them"}`} {
		for _, payload := range []string{"", "abc"} {
			l, err := asynq.Dialect{}.Layout(dialect.Jobs{Queue: "asynq:{mails}:pending", Name: "mail:send", Args: args, Payload: payload != ""})
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

func TestAQueueThatAsynqCannotHaveIsRefused(t *testing.T) {
	t.Parallel()
	for _, queue := range []string{"mails", "asynq:{}:pending", "asynq:{ }:pending", "asynq:{a}b}:pending", "asynq:{mails}:active"} {
		if _, err := (asynq.Dialect{}).Layout(dialect.Jobs{Queue: queue, Name: "a"}); err == nil {
			t.Errorf("%q was taken", queue)
		}
	}
}
