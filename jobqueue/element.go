package jobqueue

import (
	"bytes"
	"encoding/json"
)

// DefaultTenant is whose a job is that does not say.
const DefaultTenant = "t1"

// Element is what an element of the list says of its job.
type Element struct {
	JobID, TenantID string
}

// ParseElement reads an element of the list, which is a job's id or a JSON
// object with the keys jobId and, if need be, tenantId. An id may be a text or
// a number. It never fails: for a worker any other text is a job, too, and the
// whole element is its id.
func ParseElement(element []byte) Element {
	e := Element{TenantID: DefaultTenant}
	if looksLikeObject(element) {
		var m struct {
			JobID    json.RawMessage `json:"jobId"`
			TenantID json.RawMessage `json:"tenantId"`
		}
		if json.Unmarshal(element, &m) == nil {
			e.JobID = textOf(m.JobID)
			if tenant := textOf(m.TenantID); tenant != "" {
				e.TenantID = tenant
			}
		}
	}
	if e.JobID == "" {
		return Element{JobID: string(element), TenantID: DefaultTenant}
	}
	return e
}

// looksLikeObject spares a plain id the parser.
func looksLikeObject(element []byte) bool {
	trimmed := bytes.TrimLeft(element, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{'
}

// textOf is a JSON text, or a JSON number as it was written, else "".
func textOf(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	if raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9' {
		return string(raw)
	}
	var s string
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
