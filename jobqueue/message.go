package jobqueue

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/jsonscan"
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

// AppendTo appends the update as JSON to dst, with the keys in the order tenantId,
// jobId, status, error, and workNs if Work is above 0. It does not allocate when dst
// has room and the texts are plain.
func (u Update) AppendTo(dst []byte) []byte {
	dst = append(dst, `{"tenantId":`...)
	dst = jsonscan.AppendText(dst, u.TenantID)
	dst = append(dst, `,"jobId":`...)
	dst = jsonscan.AppendText(dst, u.JobID)
	dst = append(dst, `,"status":`...)
	dst = jsonscan.AppendText(dst, string(u.Status))
	dst = append(dst, `,"error":`...)
	if u.Error == nil {
		dst = append(dst, "null"...)
	} else {
		dst = jsonscan.AppendText(dst, *u.Error)
	}
	if u.Work > 0 {
		dst = append(dst, `,"workNs":`...)
		dst = strconv.AppendInt(dst, int64(u.Work), 10)
	}
	return append(dst, '}')
}

// ParseUpdate reads a message: a JSON object that names a job and its status. Nothing
// else in it can make it unreadable. The id and the tenant are texts or numbers, and a
// number is kept as it was written. The status is a text, a number, or true or false;
// the case of its letters does not matter. Any other value may be of any type, and need
// not be JSON either: Python writes NaN and Infinity. If a key is repeated, the last
// usable value counts. An error that is not a text is kept as the JSON that it is.
func ParseUpdate(message []byte) (Update, error) {
	f, err := scan(message)
	switch {
	case err != nil:
	case f.id == nil:
		err = errors.New("there is no job id at .jobId")
	case f.status == nil:
		err = errors.New("there is no status at .status")
	}
	if err != nil {
		return Update{}, fmt.Errorf("parse update: %w in %.80q", err, message)
	}
	u := Update{
		TenantID: string(jsonscan.Contents(f.tenant)), JobID: string(jsonscan.Contents(f.id)),
		Status: Status(jsonscan.Contents(f.status)), Work: jsonscan.Nanoseconds(f.work),
	}
	for _, known := range []Status{Running, Completed, Failed} {
		if strings.EqualFold(string(u.Status), string(known)) {
			u.Status = known
		}
	}
	if f.failure != nil && string(f.failure) != "null" {
		text := string(jsonscan.Contents(f.failure))
		u.Error = &text
	}
	return u, nil
}

// defaultTenant owns the jobs that name none.
const defaultTenant = "t1"

// Element is what an element of the list says of its job.
type Element struct {
	JobID, TenantID string
}

// ParseElement reads an element of the list: a job's id, or a JSON object with the
// keys jobId and, optionally, tenantId, read as [ParseUpdate] reads them; the default
// tenant is t1. It never fails: any other text is a job, too, and the whole element is
// its id.
func ParseElement(element []byte) Element {
	f, err := scan(element)
	if err != nil || f.id == nil {
		return Element{JobID: string(element), TenantID: defaultTenant}
	}
	e := Element{JobID: string(jsonscan.Contents(f.id)), TenantID: defaultTenant}
	if f.tenant != nil {
		e.TenantID = string(jsonscan.Contents(f.tenant))
	}
	return e
}

// fields are the values of a message or an element, nil if it has no such value.
type fields struct{ id, tenant, status, failure, work []byte }

var fieldKeys = struct{ id, tenant, status, failure, work []byte }{
	[]byte("jobId"), []byte("tenantId"), []byte("status"), []byte("error"), []byte("workNs"),
}

func scan(message []byte) (f fields, err error) {
	obj := jsonscan.Object(message)
	for obj.Next() {
		switch v := obj.Value; {
		case obj.Is(fieldKeys.id, true) && jsonscan.IsID(v):
			f.id = v
		case obj.Is(fieldKeys.tenant, true) && jsonscan.IsID(v):
			f.tenant = v
		case obj.Is(fieldKeys.status, true) && jsonscan.IsStatus(v):
			f.status = v
		case obj.Is(fieldKeys.failure, true):
			f.failure = v
		case obj.Is(fieldKeys.work, true):
			f.work = v
		}
	}
	return f, obj.End()
}
