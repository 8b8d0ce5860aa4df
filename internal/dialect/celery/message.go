package celery

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/queuedyno/queuedyno/internal/dialect"
)

// layout is a task as kombu writes it for Celery, with Python's spaces, since it is
// written like that again when a worker puts it back:
//
//	{"body": "<base64 of [args, kwargs, embed]>", "content-encoding": "utf-8",
//	"content-type": "application/json", "headers": {"lang": "py", "task": …, "id": …},
//	"properties": {"correlation_id": …, "delivery_tag": …}}
//
// The id is that of the task, of its root and of the delivery: by the last one the task is
// found again among those that workers hold.
type layout struct {
	before string // up to the payload's part of the body
	after  string // from there to the first id
	// A body with a payload is encoded in three parts, of which the first two have a length
	// that is a multiple of three: what precedes the payload, as much of the payload as has
	// such a length, and the rest with what follows the payload.
	payload bool
	closing string // follows the payload in the body
	// What stands between the ids and behind the last one.
	root, correlation, delivery, end string
}

const (
	open  = `{"body": "`
	embed = `, {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]`
	mark  = `"correlation_id": "`
)

// ascii is a string as Python's json.dumps writes it, with ASCII alone.
func ascii(s string) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return "", err
	}
	var out []byte
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return string(out), nil
}

func newLayout(j dialect.Jobs) (*layout, error) {
	task, err := ascii(j.Name)
	if err != nil {
		return nil, err
	}
	queue, err := ascii(j.Queue)
	if err != nil {
		return nil, err
	}
	args, repr := strings.TrimSpace(j.Args), "..."
	if args == "" {
		args = "[]"
	}
	if args == "[]" && !j.Payload {
		repr = "()"
	}
	l := &layout{payload: j.Payload}
	if !j.Payload {
		l.before = open + base64.StdEncoding.EncodeToString([]byte("["+args+embed))
	} else {
		first := strings.TrimRight(strings.TrimSuffix(args, "]"), " \t\r\n")
		if first != "[" {
			first += ", "
		}
		head := "[" + first
		for len(head)%3 != 2 { // the quote is the last byte of three
			head += " "
		}
		l.before, l.closing = open+base64.StdEncoding.EncodeToString([]byte(head+`"`)), `"]`+embed
	}
	l.after = `", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"lang": "py", "task": ` + task + `, "id": "`
	l.root = `", "shadow": null, "eta": null, "expires": null, "group": null, "group_index": null, "retries": 0, "timelimit": [null, null], "root_id": "`
	l.correlation = `", "parent_id": null, "argsrepr": "` + repr + `", "kwargsrepr": "{}", "origin": "queuedyno", "ignore_result": false}, "properties": {` + mark
	l.delivery = `", "reply_to": "00000000-0000-8000-8000-000000000000", "delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": ` + queue +
		`}, "priority": 0, "body_encoding": "base64", "delivery_tag": "`
	l.end = `"}}`
	return l, nil
}

// Max is the size of a message.
func (l *layout) Max(payload int) int {
	n := len(l.before) + len(l.after) + len(l.root) + len(l.correlation) + len(l.delivery) + len(l.end) + 4*dialect.IDLen
	if l.payload {
		n += base64.StdEncoding.EncodedLen(payload + len(l.closing))
	}
	return n
}

// Append appends a message.
func (l *layout) Append(dst []byte, j dialect.Job) []byte {
	dst = l.appendBody(dst, j.Payload)
	dst = append(dst, l.after...)
	dst = append(dst, j.ID[:]...)
	dst = append(dst, l.root...)
	dst = append(dst, j.ID[:]...)
	dst = append(dst, l.correlation...)
	dst = append(dst, j.ID[:]...)
	dst = append(dst, l.delivery...)
	dst = append(dst, j.ID[:]...)
	return append(dst, l.end...)
}

// appendBody appends a message up to the end of its body.
func (l *layout) appendBody(dst []byte, payload string) []byte {
	dst = append(dst, l.before...)
	if !l.payload {
		return dst
	}
	var part [3 * 64]byte
	whole := len(payload) - len(payload)%3
	for i := 0; i < whole; i += len(part) {
		n := copy(part[:], payload[i:whole])
		dst = base64.StdEncoding.AppendEncode(dst, part[:n])
	}
	n := copy(part[:], payload[whole:])
	n += copy(part[n:], l.closing)
	return base64.StdEncoding.AppendEncode(dst, part[:n])
}

// Find finds the id of a task, in a message as it was sent and as a worker put it back.
func (l *layout) Find(element []byte) []byte {
	_, id, found := bytes.Cut(element, []byte(mark))
	if !found || len(id) < dialect.IDLen || !bytes.HasPrefix(element, []byte(open)) {
		return nil
	}
	return id[:dialect.IDLen]
}

// Whole reports whether a message is that of the job. What kombu adds to one that it puts
// back stands in its headers and its delivery_info; a retry has another delivery tag.
func (l *layout) Whole(element []byte, j dialect.Job) bool {
	want := append(append(l.appendBody(nil, j.Payload), l.after...), j.ID[:]...)
	return bytes.HasPrefix(element, want) && bytes.HasSuffix(element, []byte(l.end))
}
