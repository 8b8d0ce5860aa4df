package asynq_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/dialect/asynq"
	"github.com/queuedyno/queuedyno/internal/dialect/dialecttest"
)

func TestATaskIsFoundAsItWasWrittenAndByItsIDAlone(t *testing.T) {
	t.Parallel()
	dialecttest.Layout(t, asynq.Dialect{}, dialect.Jobs{Queue: "asynq:{mails}:pending", Name: "mail:send"}, "", `{"to":"them"}`)
}

func TestAQueueThatAsynqCannotHaveIsRefused(t *testing.T) {
	t.Parallel()
	for _, queue := range []string{"mails", "asynq:{}:pending", "asynq:{ }:pending", "asynq:{a}b}:pending", "asynq:{mails}:active"} {
		if _, err := (asynq.Dialect{}).Layout(dialect.Jobs{Queue: queue, Name: "a"}); err == nil {
			t.Errorf("%q was taken", queue)
		}
	}
}
