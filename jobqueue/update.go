package jobqueue

import (
	"bytes"
	"encoding/json"
	"fmt"
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
}

// AppendUpdate appends u as JSON to dst, with the keys in the order tenantId,
// jobId, status, error. It does not allocate when dst has room and the texts
// are plain.
func AppendUpdate(dst []byte, u Update) []byte {
	dst = append(dst, `{"tenantId":`...)
	dst = appendText(dst, u.TenantID)
	dst = append(dst, `,"jobId":`...)
	dst = appendText(dst, u.JobID)
	return appendTail(dst, string(u.Status), u.Error)
}

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

// ParseUpdate reads a message. The error names what is wrong with it.
func ParseUpdate(message []byte) (Update, error) {
	var u Update
	if err := json.Unmarshal(message, &u); err != nil {
		return Update{}, fmt.Errorf("parse update: %w", err)
	}
	if u.JobID == "" {
		return Update{}, fmt.Errorf("parse update: no jobId in %.80q", message)
	}
	return u, nil
}

// View is a message looked at in place: its fields are slices of the message.
type View struct {
	TenantID, JobID []byte
	Status          Status
}

// ViewUpdate looks at a message without allocating when it is written as
// [AppendUpdate] writes it; any other spelling of the same JSON works too, at
// the price of [ParseUpdate].
func ViewUpdate(message []byte) (View, error) {
	if v, ok := viewPlain(message); ok {
		return v, nil
	}
	u, err := ParseUpdate(message)
	if err != nil {
		return View{}, err
	}
	return View{TenantID: []byte(u.TenantID), JobID: []byte(u.JobID), Status: u.Status}, nil
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
	if string(rest) != "null}" {
		// An error text: between quotes, and then the end.
		if len(rest) < 3 || rest[0] != '"' || bytes.IndexByte(rest[1:], '"') != len(rest)-3 || rest[len(rest)-1] != '}' {
			return v, false
		}
		if !printable(rest) {
			return v, false
		}
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
