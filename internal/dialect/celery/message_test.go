package celery

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/dialect"
)

const id = "01234567-89ab-8cde-8000-000000000007"

func job(payload string) (j dialect.Job) {
	copy(j.ID[:], id)
	j.Payload = payload
	return j
}

func layoutOf(t interface{ Fatal(...any) }, args string, payload bool) dialect.Layout {
	l, err := Dialect{}.Layout(dialect.Jobs{Queue: "celery", Name: "tasks.work", Args: args, Payload: payload})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// message is what a worker reads of an element.
type message struct {
	Body       string
	Headers    map[string]any
	Properties map[string]any
}

// The message is one that Celery 5.2 wrote, with a job's id in the place of the task's.
func TestATaskIsWrittenAsCelerysClientWritesIt(t *testing.T) {
	t.Parallel()
	theirs := `{"body": "W1siYSIsICJ4eCJdLCB7fSwgeyJjYWxsYmFja3MiOiBudWxsLCAiZXJyYmFja3MiOiBudWxsLCAiY2hhaW4iOiBudWxsLCAiY2hvcmQiOiBudWxsfV0=", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"lang": "py", "task": "tasks.work", "id": "ID", "shadow": null, "eta": null, "expires": null, "group": null, "group_index": null, "retries": 0, "timelimit": [null, null], "root_id": "ID", "parent_id": null, "argsrepr": "['a', 'xx']", "kwargsrepr": "{}", "origin": "gen8345@vm", "ignore_result": false}, "properties": {"correlation_id": "ID", "reply_to": "b6f15930-bc31-355c-83d4-055323cc9f58", "delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": "celery"}, "priority": 0, "body_encoding": "base64", "delivery_tag": "ID"}}`
	var want, got message
	if err := json.Unmarshal([]byte(strings.ReplaceAll(theirs, "ID", id)), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(layoutOf(t, `["a", "xx"]`, false).Append(nil, job("")), &got); err != nil {
		t.Fatal(err)
	}
	// These say who sent it and how its arguments are shown.
	for _, m := range []message{want, got} {
		delete(m.Headers, "origin")
		delete(m.Headers, "argsrepr")
		delete(m.Properties, "reply_to")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differs from Celery's own message (-Celery +here):\n%s", diff)
	}
}

func TestTheArgumentsOfATaskAndItsPayloadArrive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		args := rapid.SampledFrom([]string{"", "[]", " [ ] ", "[42]", `["é]", {"a": [1]}]`, "[1, 2,\t3 ] "}).Draw(t, "args")
		payload := rapid.StringMatching(`[A-Za-z0-9_-]{0,700}`).Draw(t, "payload")
		has := payload != "" || rapid.Bool().Draw(t, "empty payload")
		l := layoutOf(t, args, has)
		element := l.Append(nil, job(payload))
		if len(element) > l.Max(len(payload)) {
			t.Fatalf("%d bytes, and %d is said to be the largest", len(element), l.Max(len(payload)))
		}
		var m message
		if err := json.Unmarshal(element, &m); err != nil {
			t.Fatalf("%s: %v", element, err)
		}
		body, err := base64.StdEncoding.DecodeString(m.Body)
		if err != nil {
			t.Fatalf("%s: %v", m.Body, err)
		}
		var parts []any
		if err := json.Unmarshal(body, &parts); err != nil || len(parts) != 3 {
			t.Fatalf("%s: %v", body, err)
		}
		want := []any{}
		if args != "" {
			if err := json.Unmarshal([]byte(args), &want); err != nil {
				t.Fatal(err)
			}
		}
		if has {
			want = append(want, payload)
		}
		if diff := cmp.Diff(want, parts[0]); diff != "" {
			t.Fatalf("%s has other arguments (-want +got):\n%s", body, diff)
		}
	})
}

func TestATaskIsKnownAgainAsSentAndAsPutBack(t *testing.T) {
	t.Parallel()
	l := layoutOf(t, "[1]", true)
	sent := string(l.Append(nil, job("abcd")))
	redelivered := strings.Replace(sent, `"ignore_result": false}`, `"ignore_result": false, "redelivered": true}`, 1)
	redelivered = strings.Replace(redelivered, `"routing_key": "celery"}`, `"routing_key": "celery", "redelivered": true}`, 1)
	// Celery sends a retry as another message for the same task.
	retried := strings.Replace(strings.Replace(sent, `"retries": 0`, `"retries": 1`, 1), `_tag": "0`, `_tag": "1`, 1)
	for name, element := range map[string]string{"as sent": sent, "as put back": redelivered, "as retried": retried} {
		if got := l.Find([]byte(element)); string(got) != id || !l.Whole([]byte(element), job("abcd")) {
			t.Errorf("%s: found %q in %s", name, got, element)
		}
	}
	for name, element := range map[string]string{
		"another payload": string(l.Append(nil, job("abce"))), "cut off": sent[:len(sent)-1],
	} {
		if l.Whole([]byte(element), job("abcd")) {
			t.Errorf("%s: %s is said to be whole", name, element)
		}
	}
	for _, element := range []string{"", id, `{"body": "", "properties": {"correlation_id": "short"}}`, `{"jobId": "` + id + `"}`} {
		if got := l.Find([]byte(element)); got != nil {
			t.Errorf("%q was found in %s", got, element)
		}
	}
}

func TestATaskDoesNotAllocate(t *testing.T) {
	l, j := layoutOf(t, "[1]", true), job(strings.Repeat("a", 1000))
	buf := make([]byte, 0, l.Max(1000))
	if n := testing.AllocsPerRun(100, func() { buf = l.Append(buf[:0], j) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestTheListOfAPriorityIsNoQueue(t *testing.T) {
	t.Parallel()
	if _, err := (Dialect{}).Layout(dialect.Jobs{Queue: "celery\x06\x163", Name: "tasks.work"}); err == nil {
		t.Error("the list of priority 3 was taken for a queue")
	}
}

func TestNamesAreWrittenAsPythonWritesThem(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"tasks.work": `"tasks.work"`, "tâche.x": `"t\u00e2che.x"`, "a<b>&\"c\\": `"a<b>&\"c\\"`, "😀": `"\ud83d\ude00"`,
	} {
		got, err := ascii(name)
		if err != nil || got != want {
			t.Errorf("ascii(%q) = %s, %v; want %s", name, got, err, want)
		}
	}
}
