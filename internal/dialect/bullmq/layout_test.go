package bullmq_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/internal/dialect/bullmq"
)

const id = "0123abcd-0000-4000-8000-0000000000ff"

func job(payload string) (j dialect.Job) {
	copy(j.ID[:], id)
	j.Payload = payload
	return j
}

func TestAJobIsFoundAsItWasWrittenAndByItsIDAlone(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"", "{}", " { } ", `{"to":"them"}`, "{\"a\": [1, {}]\n}"} {
		for _, payload := range []string{"", "abc"} {
			l, err := bullmq.Dialect{}.Layout(dialect.Jobs{Queue: "a:b:mails:wait", Name: "send mail", Args: args, Payload: payload != ""})
			if err != nil {
				t.Fatal(err)
			}
			element := l.Append(nil, job(payload))
			if len(element) != l.Max(len(payload)) {
				t.Errorf("%q has %d bytes, and Max is %d", element, len(element), l.Max(len(payload)))
			}
			for _, e := range []string{string(element), id} {
				if got := l.Find([]byte(e)); string(got) != id || !l.Whole([]byte(e), job(payload)) {
					t.Errorf("in %q the id %q was found, whole = %t", e, got, l.Whole([]byte(e), job(payload)))
				}
			}
			if other := append([]byte(nil), element...); payload != "" {
				other[len(other)-4]++
				if l.Whole(other, job(payload)) {
					t.Errorf("%q passes for whole", other)
				}
			}
		}
	}
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
