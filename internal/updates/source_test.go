package updates_test

import (
	"encoding/json"
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
)

func parsed(t testing.TB, text string) updates.Mapping {
	t.Helper()
	m, err := updates.ParseMapping(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWhatNamesAndMessagesSayIsReadTogether(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mapping, name, message string
		id, tenant             string
		status                 jobqueue.Status
	}{
		{"channel=job:{id}:events", "job:4711:events", `{"status":"COMPLETED"}`, "4711", "", jobqueue.Completed},
		{"channel=job:{id},status=.,completed=done", "job:a:b", "done", "a:b", "", jobqueue.Completed},
		{"channel=job:{id},status=.,completed=done", "job:a", `"DONE"`, "a", "", jobqueue.Completed},
		{"channel=job:{id},status=.,completed=*,failed=0", "job:a", "", "a", "", jobqueue.Completed},
		{"channel=job:{id},status=.,completed=*,failed=0", "job:a", "0", "a", "", jobqueue.Failed},
		{"key=r:{id},status=.,completed=*", "r:a", `{"sum":3}`, "a", "", jobqueue.Completed},
		{"key=r:{id},status=.,failed=x", "r:a", `[3]`, "a", "", "[3]"},
		{"channel={tenant}/{id}/{status},completed=ok|sent", "acme/é/sent", `{"status":"x"}`, "é", "acme", jobqueue.Completed},
		{"channel=org:{tenant},id=.data.id,status=.data.state,failed=dead", "org:7", `{"data":{"id":12,"state":"dead"}}`, "12", "7", jobqueue.Failed},
		{`channel="a,b={id}",error=.why`, "a,b=1", "\ufeff{\"status\":\"failed\",\"x\":NaN}\x00", "1", "", jobqueue.Failed},
		{"key=result:{id}:v1,tenant=.org,status=.s,running=started", "result:9:v1", `{"s":"started","org":"t2"}`, "9", "t2", jobqueue.Running},
	} {
		m := parsed(t, c.mapping)
		composed := m.Source().AppendComposed(nil, []byte(c.name), []byte(c.message))
		v, err := m.View(composed)
		if err != nil || string(v.JobID) != c.id || string(v.TenantID) != c.tenant || v.Status != c.status {
			t.Errorf("%s, of %s %q: %s %s %q, %v", c.mapping, c.name, c.message, v.JobID, v.TenantID, v.Status, err)
		}
		if guess := m.Guess(composed, nil); guess != "" {
			t.Errorf("%s: guessed %s", c.mapping, guess)
		}
	}
}

// TestNamesOfTheSourceAreFoundByItsPattern: a name that is made of any values is matched by
// the pattern, and what was put into it comes out again; any other name is not composed.
func TestNamesOfTheSourceAreFoundByItsPattern(t *testing.T) {
	t.Parallel()
	value := rapid.StringMatching(`[a-zA-Z0-9_.é-]{1,12}`)
	literal := rapid.StringMatching(`[a-z*?:\[\]^]{1,4}:`)
	rapid.Check(t, func(t *rapid.T) {
		before, between, after := literal.Draw(t, "before"), literal.Draw(t, "between"), rapid.SampledFrom([]string{"", ":events"}).Draw(t, "after")
		tenant, id := value.Draw(t, "tenant"), value.Draw(t, "id")
		m, err := updates.ParseMapping(`channel="` + before + "{tenant}" + between + "{id}" + after + `",status=.,completed=*`)
		if err != nil {
			t.Fatal(err)
		}
		name := before + tenant + between + id + after
		if ok, err := path.Match(strings.ReplaceAll(m.Source().Pattern(id[:1]), `\`, `\`), name); !ok || err != nil {
			t.Fatalf("%q does not match %q: %v", name, m.Source().Pattern(id[:1]), err)
		}
		composed := m.Source().AppendComposed(nil, []byte(name), []byte(`x"`))
		v, err := m.View(composed)
		if err != nil || string(v.TenantID) != tenant || string(v.JobID) != id || !json.Valid(composed) {
			t.Fatalf("%s of %q: %q %q %v", composed, name, v.TenantID, v.JobID, err)
		}
		for _, other := range []string{"x" + name, before + between + id + after, before + tenant + between + after, ""} {
			if got := m.Source().AppendComposed(nil, []byte(other), nil); len(got) > 0 {
				t.Fatalf("%q was taken for a name: %s", other, got)
			}
		}
	})
}

func TestTheNamesOfKeysAndTheFieldsThatAreRead(t *testing.T) {
	t.Parallel()
	m := parsed(t, "key=job:{id},status=.state.now,tenant=.org")
	if got := m.Source().Name("7"); got != "job:7" || !m.Source().Keys {
		t.Errorf("the key is %q", got)
	}
	if got := strings.Join(m.Fields(), " "); got != "org state error workNs" {
		t.Errorf("fields %q", got)
	}
	whole := parsed(t, "key=job:{id},status=.,completed=*")
	if got := whole.Fields(); got != nil {
		t.Errorf("fields %q, want all", got)
	}
}

func TestSourcesThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for text, why := range map[string]string{
		"channel=updates":              "--channel takes",
		"channel=job:{jobId}":          "id, tenant or status",
		"channel=job:{id":              "between braces",
		"channel=job:{id}{tenant}":     "tell them apart",
		"channel=job:{id}:{id}":        "twice",
		"channel=job:{id},key=r:{id}":  "remove channel or key",
		"key=result":                   "key for each job",
		"key=result:{id}:{status}":     "key for each job",
		"channel=job:{id},id=.id":      "both",
		"channel={status},status=.":    "both",
		"status=.,completed=*":         "no room for the job's id",
		"completed=*,failed=*":         "any other word",
		"channel=":                     "no value",
		"topic=job:{id}":               `did you mean "channel"`,
		"channel=job:{id},completed=|": "empty",
	} {
		if _, err := updates.ParseMapping(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", text, err, why)
		}
	}
}

func FuzzSource(f *testing.F) {
	f.Add("job:{id}:events", "job:1:events", `{"status":"x"}`)
	f.Add("{tenant}/{id}/{status}", "a/b/c", "\xff")
	f.Fuzz(func(t *testing.T, source, name, message string) {
		m, err := updates.ParseMapping(`channel="` + source + `"`)
		if err != nil {
			return
		}
		composed := m.Source().AppendComposed(nil, []byte(name), []byte(message))
		if len(composed) == 0 {
			return
		}
		if _, err := m.View(composed); err != nil && strings.Contains(err.Error(), "whole") {
			t.Errorf("%q cannot be read: %v", composed, err)
		}
	})
}
