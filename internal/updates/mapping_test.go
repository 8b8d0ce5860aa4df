package updates_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// What real workers publish: job id and status decide, and nothing else spoils it.
func TestJobIDAndStatusDecideWhetherAnUpdateIsRead(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]struct {
		id, tenant string
		status     jobqueue.Status
		why        string
	}{
		`{"tenantId":7,"jobId":4711,"status":"FAILED","error":null}`:                                  {"4711", "7", jobqueue.Failed, ""},
		`{"jobId":12345678901234567890123,"status":"FAILED","error":{"code":"ENOSPC"}}`:               {"12345678901234567890123", "", jobqueue.Failed, `{"code":"ENOSPC"}`},
		`{"jobId":-1,"tenantId":1e3,"status":"completed","error":false}`:                              {"-1", "1e3", jobqueue.Completed, "false"},
		`{"jobId":"a","status":"Running","error":[1],"workNs":NaN,"d":-Infinity,"e":undefined}`:       {"a", "", jobqueue.Running, "[1]"},
		"\ufeff\r\n{\"jobId\":\"a\",\"x\":\"\xff\n\",\"status\":\"COMPLETED\",\"error\":\"\"}\n\x00":  {"a", "", jobqueue.Completed, ""},
		`{"jobId":"\u00e9","jobId":null,"status":"COMPLETED","status":{},"tenantId":{},"workNs":"1"}`: {"é", "", jobqueue.Completed, ""},
		`{"status":"COMPLETED","x":{"jobId":"no","y":[{"z":"]}\\\""}]},"JobID":"yes",}`:               {"yes", "", jobqueue.Completed, ""},
		`{"jobId":"a","status":"COMPLETED","x":"` + strings.Repeat(`{\"`, 100_000) + `"}`:             {"a", "", jobqueue.Completed, ""},
	} {
		view, err := updates.ViewUpdate([]byte(message))
		if err != nil || string(view.JobID) != want.id || string(view.TenantID) != want.tenant || view.Status != want.status || view.Work != 0 {
			t.Errorf("%.100q: %s %s %s %s, %v", message, view.JobID, view.TenantID, view.Status, view.Work, err)
		}
		u, err := jobqueue.ParseUpdate([]byte(message))
		if why := u.Error; err != nil || (why == nil) != (want.why == "" && !strings.Contains(message, `"error":""`)) || why != nil && *why != want.why {
			t.Errorf("%.100q: %+v, %v", message, u, err)
		}
	}
}

func TestOnlyAMessageWithoutJobIDOrStatusIsUnreadable(t *testing.T) {
	t.Parallel()
	for message, why := range map[string]string{
		`{"jobId":"a"}`: "no status", `{"status":"FAILED"}`: "no job id", `{"jobId":{},"status":"x"}`: "no job id",
		`{"jobId":NaN,"status":"x"}`: "no job id", `{"jobId":"","status":"x"}`: "no job id", `{"jobId":1,"status":null}`: "no status",
		`[1]`: "not a JSON object", ``: "not a JSON object", `4711`: "not a JSON object",
		`{"jobId":"a","status":"x"`: "whole", `{"jobId":"a","status":"x","e":"cut`: "whole", `{"a":1}{"jobId":"a","status":"x"}`: "follows",
		`{'jobId': 'a', 'status': 'x'}`: "json.dumps",
	} {
		if _, err := updates.ViewUpdate([]byte(message)); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", message, err, why)
		}
	}
}

func TestAMappingSaysWhereAndWithWhichWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mapping, message string
		id, tenant       string
		status           jobqueue.Status
	}{
		{"id=.id,tenant=.org,status=.state,error=.err.msg,completed=done,failed=error,running=started",
			`{"id":1,"org":"acme","state":"error","err":{"msg":"disk full"}}`, "1", "acme", jobqueue.Failed},
		{" id = .data.job.id , completed = done|OK ", `{"data":{"x":[],"job":{"id":"a"}},"status":"ok"}`, "a", "", jobqueue.Completed},
		{`id=."job.id",status=."a b",running="in progress"|1`, `{"job.id":"a","a b":1}`, "a", "", jobqueue.Running},
		{"completed=done", `{"jobId":"a","status":"COMPLETED"}`, "a", "", "COMPLETED"}, // its words replace the documented one
		{"status=.ok,completed=true,failed=false", `{"jobId":"a","ok":false}`, "a", "", jobqueue.Failed},
	} {
		m, err := updates.ParseMapping(c.mapping)
		if err != nil {
			t.Errorf("%s: %v", c.mapping, err)
			continue
		}
		v, err := m.View([]byte(c.message))
		if err != nil || string(v.JobID) != c.id || string(v.TenantID) != c.tenant || v.Status != c.status {
			t.Errorf("%s: %s %s %s, %v", c.mapping, v.JobID, v.TenantID, v.Status, err)
		}
	}
}

func TestEverythingWrongWithAMappingIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                                {"it is empty; write it like id=.id"},
		"ids=.id,state=.s,id=id,running":  {`"ids" (did you mean "id"?)`, `"state" (did you mean "status"?)`, "write .id", "running has no value; write it like running=started"},
		"completed=done|DONE,failed=done": {`the word "DONE" is there twice`, `stands for completed and for failed`},
		"completed=failed":                {`stands for completed and for failed; failed has it unless failed=… says otherwise`},
		"id=.a..b,tenant=.x[0],id=.c":     {"empty key", "elements of arrays", "id is given twice"},
		"completed=a,completed=b":         {"separate its words by |"},
		"id=.x,status=.x,error=.\"a":      {"both at .x", "not quoted right"},
	} {
		_, err := updates.ParseMapping(text)
		var wrong *updates.MappingError
		if !errors.As(err, &wrong) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %q, want %q in it", text, err, part)
			}
		}
	}
}

func TestAMappingIsGuessedFromAMessage(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		`{"id":"a","state":"done"}`:                           "id=.id,status=.state,completed=done",
		`{"job_id":1,"status":"ERRORED"}`:                     "id=.job_id,failed=ERRORED",
		`{"type":"job","payload":{"id":1,"event":"started"}}`: "id=.payload.id,status=.payload.event,running=started",
		`{"jobId":1,"success":true}`:                          "status=.success,completed=true,failed=false",
		`{"jobId":1,"status":"COMPLETED"}`:                    "",
		`{"x":1}`:                                             "",
		`not json`:                                            "",
		`{"my.id":1,"uuid":"our","result":"timed out"}`:       `id=.uuid,status=.result,failed="timed out"`,
	} {
		got := updates.GuessMapping([]byte(message), func(id []byte) bool { return string(id) == "our" })
		if got != want {
			t.Errorf("%s: %q, want %q", message, got, want)
		}
		if got == "" {
			continue
		}
		m, err := updates.ParseMapping(got)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := m.View([]byte(message)); err != nil || len(v.JobID) == 0 {
			t.Errorf("%s does not read %s: %v", got, message, err)
		}
	}
}

func TestLookingThroughAMappingDoesNotAllocate(t *testing.T) {
	m, err := updates.ParseMapping("id=.data.id,status=.data.state,completed=done")
	if err != nil {
		t.Fatal(err)
	}
	for message, form := range map[string]*updates.Mapping{
		`{"data":{"id":4711,"state":"done","took":NaN},"x":[1,{}],"workNs":17}`:          &m,
		`{"tenantId":7,"jobId":4711,"status":"completed","workNs":17,"error":{"a":"b"}}`: {},
	} {
		bytes := []byte(message)
		if n := testing.AllocsPerRun(100, func() {
			if v, err := form.View(bytes); err != nil || v.Status != jobqueue.Completed || v.Work != 17*time.Nanosecond {
				t.Fatalf("View(%s) = %+v, %v", message, v, err)
			}
		}); n != 0 {
			t.Errorf("%v allocations for %s", n, message)
		}
	}
}
