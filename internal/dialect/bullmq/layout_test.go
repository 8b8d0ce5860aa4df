package bullmq_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/dialect/bullmq"
	"github.com/queuedyno/queuedyno/internal/dialect/dialecttest"
)

const id = dialecttest.ID

func TestAJobIsFoundAsItWasWrittenAndByItsIDAlone(t *testing.T) {
	t.Parallel()
	dialecttest.Layout(t, bullmq.Dialect{}, dialect.Jobs{Queue: "a:b:mails:wait", Name: "send mail"}, "", "{}", " { } ", `{"to":"them"}`, "{\"a\": [1, {}]\n}")
}

func TestWhatIsNoJobIsNotFoundAndAQueueThatBullMQCannotHaveIsRefused(t *testing.T) {
	t.Parallel()
	l, err := bullmq.Dialect{}.Layout(dialect.Jobs{Queue: "bull:mails:wait", Name: "send"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []string{"", "17", id + "1", id + "1767225600000other\n{}", "0:" + id} {
		if got := l.Find([]byte(e)); got != nil {
			t.Errorf("%q was found in %q", got, e)
		}
	}
	for _, j := range []dialect.Jobs{
		{Queue: "mails:wait"}, {Queue: "bull:mails"}, {Queue: "bull::wait"}, {Queue: ":mails:wait"},
		{Queue: "bull:mails:wait", Args: "[1]"}, {Queue: "bull:mails:wait", Args: "null"},
	} {
		if _, err := (bullmq.Dialect{}).Layout(j); err == nil {
			t.Errorf("%+v was taken", j)
		}
	}
}
