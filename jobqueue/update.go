package jobqueue

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// Status is what an update says of its job.
type Status string

// The statuses that travel.
const (
	Running   Status = "RUNNING"
	Completed Status = "COMPLETED"
	Failed    Status = "FAILED"
)

// Update is a message about a job.
type Update struct {
	TenantID string `json:"tenantId"`
	JobID    string `json:"jobId"`
	Status   Status `json:"status"`
	// Error is why the job failed; nil unless Status is Failed.
	Error *string `json:"error"`
	// Work is how long the worker was at it, 0 where it does not say. It
	// travels as a whole number of nanoseconds.
	Work time.Duration `json:"workNs,omitempty"`
}

// AppendUpdate appends u as JSON to dst, with the keys in the order tenantId,
// jobId, status, error, and workNs where there is something to say. It does not
// allocate when dst has room and the texts are plain.
func AppendUpdate(dst []byte, u Update) []byte {
	dst = append(dst, `{"tenantId":`...)
	dst = appendText(dst, u.TenantID)
	dst = append(dst, `,"jobId":`...)
	dst = appendText(dst, u.JobID)
	return AppendWork(appendTail(dst, string(u.Status), u.Error), u.Work)
}

// AppendWork adds to the update that dst ends with how long the work took.
// There is nothing to add unless that is more than 0.
func AppendWork(dst []byte, work time.Duration) []byte {
	if work <= 0 {
		return dst
	}
	dst = append(dst[:len(dst)-1], workKey...)
	dst = strconv.AppendInt(dst, int64(work), 10)
	return append(dst, '}')
}

const workKey = `,"workNs":`

// AppendOutcome is [AppendUpdate] for a caller that has the job's id as bytes.
func AppendOutcome(dst []byte, tenant string, jobID []byte, status Status, failure *string) []byte {
	dst = append(dst, `{"tenantId":`...)
	dst = appendText(dst, tenant)
	dst = append(dst, `,"jobId":`...)
	dst = appendText(dst, jobID)
	return appendTail(dst, string(status), failure)
}

func appendTail(dst []byte, status string, failure *string) []byte {
	dst = append(dst, `,"status":`...)
	dst = appendText(dst, status)
	if failure == nil {
		return append(dst, `,"error":null}`...)
	}
	dst = append(dst, `,"error":`...)
	dst = appendText(dst, *failure)
	return append(dst, '}')
}

// appendText appends s as a JSON string.
func appendText[T string | []byte](dst []byte, s T) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			quoted, err := json.Marshal(string(s))
			if err != nil {
				panic(err) // a string always has a JSON form
			}
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// ParseUpdate reads a message. The error says what is missing in it; see [View]
// for what a message has to hold.
func ParseUpdate(message []byte) (Update, error) {
	var m Mapping
	return m.Parse(message)
}

// nanoseconds reads a JSON number, 0 when it is none or out of range. Workers
// in other languages may well write a fraction.
func nanoseconds(text []byte) time.Duration {
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return time.Duration(max(n, 0))
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(v > 0 && v < math.MaxInt64) {
		return 0
	}
	return time.Duration(v)
}

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
	Status Status
	Work   time.Duration
}

// ViewUpdate looks at a message. It does not allocate unless texts in it are written
// with escapes or the status is none of the three, and is quickest when the message is
// written as [AppendUpdate] writes it.
func ViewUpdate(message []byte) (View, error) {
	if v, ok := viewPlain(message); ok {
		return v, nil
	}
	return standard.View(message)
}

// viewPlain recognises exactly the form of AppendUpdate without escapes.
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
		if end < 0 || !printable(rest[1:1+end]) {
			return v, false
		}
		rest = rest[end+2:]
	}
	if v.Work, ok = viewWork(rest); !ok {
		return v, false
	}
	switch string(status) {
	case string(Completed):
		v.Status = Completed
	case string(Running):
		v.Status = Running
	case string(Failed):
		v.Status = Failed
	default:
		return v, false
	}
	return v, printable(v.TenantID) && printable(v.JobID)
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

// printable reports whether b is plain ASCII, which needs no decoding.
func printable(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c >= 0x7f {
			return false
		}
	}
	return true
}
