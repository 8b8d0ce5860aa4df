package updates_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
)

func TestUpdateIsTheDocumentedJSON(t *testing.T) {
	t.Parallel()
	why := `disk "full"`
	for _, c := range []struct {
		u    jobqueue.Update
		want string
	}{
		{jobqueue.Update{TenantID: "t1", JobID: "4711", Status: jobqueue.Completed}, `{"tenantId":"t1","jobId":"4711","status":"COMPLETED","error":null}`},
		{jobqueue.Update{TenantID: "t1", JobID: "4711", Status: jobqueue.Failed, Error: &why}, `{"tenantId":"t1","jobId":"4711","status":"FAILED","error":"disk \"full\""}`},
	} {
		if got := string(c.u.AppendTo(nil)); got != c.want {
			t.Errorf("AppendTo = %s, want %s", got, c.want)
		}
	}
}

// FuzzUpdate: what is written is JSON that anybody reads back to the same, and
// the quick look sees what the thorough one does.
func FuzzUpdate(f *testing.F) {
	f.Add("t1", "4711", "COMPLETED", "", false, int64(0))
	f.Add("t1", "4711", "COMPLETED", "", false, int64(1_234_567))
	f.Add(`"`, "\\u0000\n", "FAILED", "\xff\u2028</script>", true, int64(1<<63-1))
	f.Fuzz(func(t *testing.T, tenant, id, status, why string, failed bool, work int64) {
		u := jobqueue.Update{TenantID: tenant, JobID: id, Status: jobqueue.Status(status), Work: time.Duration(max(work, 0))}
		if failed {
			u.Error = &why
		}
		message := u.AppendTo(nil)
		var want jobqueue.Update
		std, err := json.Marshal(u)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(std, &want); err != nil {
			t.Fatal(err)
		}
		got, err := jobqueue.ParseUpdate(message)
		if (err == nil) != (want.JobID != "" && want.Status != "") {
			t.Fatalf("ParseUpdate(%s) = %v", message, err)
		}
		if err != nil {
			return
		}
		want.Status = canonical(want.Status)
		if got.TenantID != want.TenantID || got.JobID != want.JobID || got.Status != want.Status || got.Work != want.Work ||
			(got.Error == nil) != (want.Error == nil) || got.Error != nil && *got.Error != *want.Error {
			t.Errorf("%s was read as %+v, want %+v", message, got, want)
		}
		view, err := updates.ViewUpdate(message)
		if err != nil || string(view.TenantID) != got.TenantID || string(view.JobID) != got.JobID || view.Status != got.Status || view.Work != got.Work {
			t.Errorf("ViewUpdate(%s) = %s %s %s %d, %v", message, view.TenantID, view.JobID, view.Status, view.Work, err)
		}
	})
}

// canonical is a status in the case in which we write it.
func canonical(s jobqueue.Status) jobqueue.Status {
	for _, known := range []jobqueue.Status{jobqueue.Running, jobqueue.Completed, jobqueue.Failed} {
		if strings.EqualFold(string(s), string(known)) {
			return known
		}
	}
	return s
}

// FuzzViewUpdate: whatever comes along, looking agrees with reading, and of valid JSON
// both agree with encoding/json about job, tenant and status.
func FuzzViewUpdate(f *testing.F) {
	for _, m := range []string{
		`{"tenantId":"t1","jobId":"4711","status":"COMPLETED","error":null}`,
		`{"tenantId":"t1","jobId":"4711","status":"FAILED","error":"x"}`,
		`{"tenantId":"t1","jobId":"4711","status":"RUNNING","error":"}`, `{"jobId":"4711"}`, `null`, ``,
		`{"tenantId":"t1","jobId":"4711","status":"COMPLETED","error":null}x`,
		`{"tenantId":"t1","jobId":"4711","status":"COMPLETED","error":null,"workNs":1500000}`,
		`{"tenantId":"t1","jobId":"4711","status":"FAILED","error":"x","workNs":7}`,
		`{"tenantId":"t1","jobId":"4711","status":"COMPLETED","error":null,"workNs":007}`,
		`{"tenantId":"t1","jobId":"4711","status":"COMPLETED","error":null,"workNs":1.5e3}`,
		`{"tenantId":7,"jobId":4711,"status":"FAILED","error":{"code":"ENOSPC"}}`,
		`{"jobId":-1e3,"STATUS":true,"x":[{"status":"}"},NaN],"jobid":null}`,
		"\ufeff {\"jobId\":\"a\\u00e9\xff\",\"status\":\"completed\",\"jobId\":\"\"}\r\n",
		`{"jobId":"1","status":"FAILED","error":"\\\\","x":{"a":"\"]}"}}`, `{"jobId":01,"status":"x"}`, `{,"jobId":1,"status":2}`,
	} {
		f.Add([]byte(m))
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		view, err := updates.ViewUpdate(m)
		u, want := jobqueue.ParseUpdate(m)
		if (err == nil) != (want == nil) {
			t.Fatalf("ViewUpdate(%q) = %v, ParseUpdate = %v", m, err, want)
		}
		if err == nil && (string(view.JobID) != u.JobID || string(view.TenantID) != u.TenantID || view.Status != u.Status || view.Work != u.Work) {
			t.Errorf("ViewUpdate(%q) = %s %s %s, ParseUpdate = %+v", m, view.TenantID, view.JobID, view.Status, u)
		}
		if id, tenant, status, valid := byEncodingJSON(m); valid {
			if (err == nil) != (id != "" && status != "") {
				t.Fatalf("ViewUpdate(%q) = %v, but encoding/json reads job %q, status %q", m, err, id, status)
			}
			if err == nil && (string(view.JobID) != id || string(view.TenantID) != tenant || view.Status != canonical(jobqueue.Status(status))) {
				t.Errorf("ViewUpdate(%q) = %s %s %s, but encoding/json reads %q %q %q", m, view.TenantID, view.JobID, view.Status, tenant, id, status)
			}
		}
	})
}

// byEncodingJSON reads the same from a message by other means: the last value of each
// key that is a text, a number or, of the status, a boolean. valid is false when the
// message is no JSON.
func byEncodingJSON(m []byte) (id, tenant, status string, valid bool) {
	m = bytes.TrimPrefix(m, []byte("\ufeff"))
	if !json.Valid(m) {
		return "", "", "", false
	}
	d := json.NewDecoder(bytes.NewReader(m))
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return "", "", "", true
	}
	for d.More() {
		key, _ := d.Token()
		var v any
		if d.Decode(&v) != nil {
			return "", "", "", false // a number that Go cannot hold, or too deep
		}
		text := ""
		switch v := v.(type) {
		case string:
			text = v
		case json.Number:
			text = v.String()
		}
		name := key.(string)
		if b, ok := v.(bool); ok && strings.EqualFold(name, "status") {
			text = fmt.Sprint(b)
		}
		if text == "" {
			continue
		}
		switch {
		case strings.EqualFold(name, "jobId"):
			id = text
		case strings.EqualFold(name, "tenantId"):
			tenant = text
		case strings.EqualFold(name, "status"):
			status = text
		}
	}
	return id, tenant, status, true
}

func TestLookingAtAnUpdateDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 256)
	id := []byte("01234567-89ab-8def-8123-456789abcdef")
	why := "exit code 1"
	for _, work := range []time.Duration{0, 1_500_000} {
		for _, failure := range []*string{nil, &why} {
			if n := testing.AllocsPerRun(100, func() {
				buf = updates.AppendOutcome(buf[:0], "t1", id, jobqueue.Completed, failure)
				if work > 0 {
					buf = append(buf[:len(buf)-1], `,"workNs":1500000}`...)
				}
				if v, err := updates.ViewUpdate(buf); err != nil || v.Work != work {
					t.Fatalf("ViewUpdate(%s) = %v, %v", buf, v, err)
				}
			}); n != 0 {
				t.Errorf("%v allocations for %s", n, buf)
			}
		}
	}
}

// A worker in another language may say how long it took in its own way; that
// never costs the notification.
func TestAStrangeWorkTimeDoesNotHideTheOutcome(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		`1500`: 1500, `1500.7`: 1500, `1.5e3`: 1500, `0`: 0, `-3`: 0, `null`: 0, `"1500"`: 0, `{}`: 0, `1e300`: 0, `9007199254740993`: 9007199254740993,
	} {
		u, err := jobqueue.ParseUpdate([]byte(`{"jobId":"4711","status":"COMPLETED","workNs":` + text + `}`))
		if err != nil || u.Status != jobqueue.Completed || u.Work != want {
			t.Errorf("workNs %s was read as %+v, %v; want %d", text, u, err, want)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	buf := make([]byte, 0, 256)
	id := []byte("01234567-89ab-8def-8123-456789abcdef")
	b.ReportAllocs()
	for b.Loop() {
		buf = updates.AppendOutcome(buf[:0], "t1", id, jobqueue.Completed, nil)
		if _, err := updates.ViewUpdate(buf); err != nil {
			b.Fatal(err)
		}
	}
}
