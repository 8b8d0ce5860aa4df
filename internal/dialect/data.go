package dialect

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Data is the data of the jobs of one run, a JSON object, in which each job has its own
// payload. The zero Data is not useful.
type Data struct {
	before, after string // the payload
	payload       bool
}

// NewData reads a JSON object, {} if the text is empty. With a payload it gets one more
// member at its end, "payload".
func NewData(object string, payload bool) (Data, error) {
	object = strings.TrimSpace(object)
	if object == "" {
		object = "{}"
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &members); err != nil || members == nil {
		return Data{}, fmt.Errorf("%.60q is not the data of a job: it is a JSON object, such as {\"user\": 42}", object)
	}
	if !payload {
		return Data{before: object}, nil
	}
	if _, taken := members["payload"]; taken {
		return Data{}, fmt.Errorf("%.60q has a member payload already, which is the name of the payload", object)
	}
	d := Data{before: strings.TrimRight(strings.TrimSuffix(object, "}"), " \t\r\n"), after: `"}`, payload: true}
	if len(members) > 0 {
		d.before += ","
	}
	d.before += `"payload":"`
	return d, nil
}

// Len is the size in bytes with a payload of that size.
func (d *Data) Len(payload int) int {
	if !d.payload {
		payload = 0
	}
	return len(d.before) + payload + len(d.after)
}

// Append appends the data with a payload.
func (d *Data) Append(dst []byte, payload string) []byte {
	dst = append(dst, d.before...)
	if d.payload {
		dst = append(dst, payload...)
	}
	return append(dst, d.after...)
}
