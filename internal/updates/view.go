// Package updates is what the harness needs of updates besides [jobqueue.ParseUpdate]:
// to look at them and to write them without allocating, and to read those of workers
// that write another form. Begin reading at [Mapping].
package updates

import (
	"bytes"
	"time"

	"github.com/queuedyno/queuedyno/internal/jsonscan"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// View is a message looked at in place: its fields are slices of the message,
// unless they were written with escapes.
//
// A message is a JSON object that says which job it is about and what became of
// it; nothing else in it can make it unreadable. The id and the tenant are texts or
// numbers, and a number is kept as it was written. The status is a text, a number, or
// true or false; the case of its letters does not matter. Any other value may be of
// any type, and need not be JSON either: Python writes NaN and Infinity. Of a key that
// stands there twice the last value counts that can be used.
type View struct {
	TenantID, JobID []byte
	// Status is one of the three, or what the message says in its place.
	Status jobqueue.Status
	Work   time.Duration
}

// ViewUpdate looks at a message. It does not allocate unless texts in it are written
// with escapes or the status is unknown, and is quickest when the message is
// written as [jobqueue.Update.AppendTo] writes it.
func ViewUpdate(message []byte) (View, error) {
	if v, ok := viewPlain(message); ok {
		return v, nil
	}
	return standard.View(message)
}

// viewPlain recognises exactly the form of AppendTo without escapes.
func viewPlain(m []byte) (v View, ok bool) {
	if bytes.IndexByte(m, '\\') >= 0 {
		return v, false
	}
	var status []byte
	rest, ok := bytes.CutPrefix(m, []byte(`{"tenantId":"`))
	if !ok {
		return v, false
	}
	if v.TenantID, rest, ok = cutText(rest, `,"jobId":"`); !ok {
		return v, false
	}
	if v.JobID, rest, ok = cutText(rest, `,"status":"`); !ok || len(v.JobID) == 0 {
		return v, false
	}
	if status, rest, ok = cutText(rest, `,"error":`); !ok {
		return v, false
	}
	if after, null := bytes.CutPrefix(rest, []byte("null")); null {
		rest = after
	} else {
		// An error text, between quotes.
		if len(rest) < 2 || rest[0] != '"' {
			return v, false
		}
		end := bytes.IndexByte(rest[1:], '"')
		if end < 0 || !jsonscan.Plain(rest[1:1+end]) {
			return v, false
		}
		rest = rest[end+2:]
	}
	if v.Work, ok = viewWork(rest); !ok {
		return v, false
	}
	switch string(status) {
	case string(jobqueue.Completed):
		v.Status = jobqueue.Completed
	case string(jobqueue.Running):
		v.Status = jobqueue.Running
	case string(jobqueue.Failed):
		v.Status = jobqueue.Failed
	default:
		return v, false
	}
	return v, jsonscan.Plain(v.TenantID) && jsonscan.Plain(v.JobID)
}

// viewWork recognises the end of an update, with workNs or without.
func viewWork(rest []byte) (work time.Duration, ok bool) {
	if string(rest) == "}" {
		return 0, true
	}
	digits, ok := bytes.CutPrefix(rest, []byte(workKey))
	if !ok || len(digits) < 2 || len(digits) > 19 || digits[0] == '0' || digits[len(digits)-1] != '}' {
		return 0, false
	}
	for _, c := range digits[:len(digits)-1] {
		if c < '0' || c > '9' {
			return 0, false
		}
		work = work*10 + time.Duration(c-'0')
	}
	return work, true
}

// cutText cuts a text up to its closing quote, which next must follow.
func cutText(b []byte, next string) (text, rest []byte, ok bool) {
	i := bytes.IndexByte(b, '"')
	if i < 0 || len(b) < i+1+len(next) || string(b[i+1:i+1+len(next)]) != next {
		return nil, nil, false
	}
	return b[:i], b[i+1+len(next):], true
}

// workKey precedes the work time at the end of an update.
const workKey = `,"workNs":`

// AppendOutcome appends an update as [jobqueue.Update.AppendTo] does, for a caller that
// has the job's id as bytes.
func AppendOutcome(dst []byte, tenant string, jobID []byte, status jobqueue.Status, failure *string) []byte {
	dst = append(dst, `{"tenantId":`...)
	dst = jsonscan.AppendText(dst, tenant)
	dst = append(dst, `,"jobId":`...)
	dst = jsonscan.AppendText(dst, jobID)
	dst = append(dst, `,"status":`...)
	dst = jsonscan.AppendText(dst, string(status))
	if failure == nil {
		return append(dst, `,"error":null}`...)
	}
	dst = append(dst, `,"error":`...)
	dst = jsonscan.AppendText(dst, *failure)
	return append(dst, '}')
}
