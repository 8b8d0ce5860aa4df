// Package sidekiq is the dialect of Sidekiq's workers.
package sidekiq

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/dialect"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// Dialect is Sidekiq 6. Its workers publish the ends of jobs by a server middleware of the
// user's.
type Dialect struct{}

var _ dialect.Dialect = Dialect{}

// prefix is what the keys of Sidekiq's queues begin with: it keeps the queue NAME in the
// list queue:NAME.
const prefix = "queue:"

// Facts are what is known of Sidekiq.
func (Dialect) Facts() dialect.Facts {
	return dialect.Facts{
		NamePrefix: prefix, Queue: prefix + "default",
		Silence: "have they the middleware that publishes (docs/workers.md, Workers of Sidekiq), and is there such a class?",
		Heard:   "A job's end is heard when the workers' own middleware publishes it.",
		Length:  "The queue's length counts the jobs in its list, without those that a worker has fetched.",
	}
}

// Over is the queue itself.
func (Dialect) Over(b jobqueue.Backend, _ string) (jobqueue.Backend, error) { return b, nil }

// layout is a job as Sidekiq 6 writes it:
//
//	{"retry":false,"queue":"default","class":"HardJob","args":["…"],
//	"jid":"…","created_at":1767225600.000123,"enqueued_at":1767225600.000123}
//
// The id is the first argument, a payload the second. Where the arguments are chosen, the id
// stands before them, as "id", and the payload is the last argument. A job is never retried,
// since a retried one would be published twice.
type layout struct {
	before  string // up to the id
	between string // the id and the payload
	payload bool
	behind  string // the payload, up to the jid
}

const (
	beforeCreated  = `","created_at":`
	beforeEnqueued = `,"enqueued_at":`
	jidLen         = 24
)

// Layout is how jobs look in Sidekiq's queue.
func (Dialect) Layout(j dialect.Jobs) (dialect.Layout, error) {
	name := nameOf(j.Queue)
	if name == "" {
		return nil, fmt.Errorf("%q is not a Sidekiq queue: Sidekiq keeps the queue NAME in the list queue:NAME, e.g. queue:default, or in NAMESPACE:queue:NAME", j.Queue)
	}
	queue, err := json.Marshal(name)
	if err != nil {
		return nil, fmt.Errorf("name of the queue: %w", err)
	}
	head := fmt.Sprintf(`{"retry":false,"queue":%s,"class":"%s",`, queue, j.Name)
	if j.Args == "" {
		l := &layout{before: head + `"args":["`, payload: j.Payload, behind: `"],"jid":"`}
		if j.Payload {
			l.between = `","`
		}
		return l, nil
	}
	var args []json.RawMessage
	if err := json.Unmarshal([]byte(j.Args), &args); err != nil || args == nil {
		return nil, fmt.Errorf("%.60q are not the arguments of a Sidekiq job: they are a JSON array, such as [42, \"a\"]", j.Args)
	}
	l := &layout{before: head + `"id":"`, between: `","args":` + strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(j.Args), "]")), payload: j.Payload, behind: `],"jid":"`}
	if j.Payload {
		if len(args) > 0 {
			l.between += ","
		}
		l.between, l.behind = l.between+`"`, `"`+l.behind
	}
	return l, nil
}

// nameOf is the name of the queue in a list, whose key may begin with a namespace. It is
// empty for another key.
func nameOf(list string) string {
	if name, ok := strings.CutPrefix(list, prefix); ok {
		return name
	}
	_, name, _ := strings.Cut(list, ":"+prefix)
	return name
}

// Max is the size of the largest job.
func (k *layout) Max(payload int) int {
	const moment = 20
	return len(k.before) + dialect.IDLen + len(k.between) + payload + len(k.behind) + jidLen +
		len(beforeCreated) + moment + len(beforeEnqueued) + moment + len("}")
}

// Append appends a job, as created and enqueued now.
func (k *layout) Append(dst []byte, j dialect.Job) []byte {
	dst = append(dst, k.before...)
	dst = append(dst, j.ID[:]...)
	dst = append(dst, k.between...)
	if k.payload {
		dst = append(dst, j.Payload...)
	}
	dst = append(dst, k.behind...)
	dst = appendJID(dst, j.Run, j.Number)
	now := time.Now().UnixMicro()
	dst = append(dst, beforeCreated...)
	dst = appendSeconds(dst, now)
	dst = append(dst, beforeEnqueued...)
	dst = appendSeconds(dst, now)
	return append(dst, '}')
}

// appendJID appends Sidekiq's own id for job n: as unique as the job's id, and as long
// as the ids that Sidekiq draws.
func appendJID(dst []byte, run uint64, n int64) []byte {
	var b [jidLen / 2]byte
	binary.BigEndian.PutUint64(b[:], run<<4)
	// The number replaces the last 12 of the run's 60 bits.
	b[6], b[7] = byte(n>>40), byte(n>>32)
	binary.BigEndian.PutUint32(b[8:], uint32(n))
	return hex.AppendEncode(dst, b[:])
}

// appendSeconds appends a moment as seconds with six decimals.
func appendSeconds(dst []byte, micros int64) []byte {
	dst = strconv.AppendInt(dst, micros/1e6, 10)
	at := len(dst)
	dst = strconv.AppendInt(dst, 1e6+micros%1e6, 10) // seven digits, the first of which
	dst[at] = '.'                                    // makes room for the point
	return dst
}

// Find finds the id of a job. When Sidekiq stops in the middle of the work, it puts the
// element back as it was.
func (k *layout) Find(element []byte) []byte {
	if len(element) < len(k.before)+dialect.IDLen || string(element[:len(k.before)]) != k.before {
		return nil
	}
	return element[len(k.before):][:dialect.IDLen]
}

// Whole reports whether what follows the id is as it was sent.
func (k *layout) Whole(element []byte, j dialect.Job) bool {
	rest, good := element[len(k.before)+dialect.IDLen:], true
	pass := func(part string) {
		var found bool
		rest, found = bytes.CutPrefix(rest, []byte(part))
		good = good && found
	}
	pass(k.between)
	if k.payload {
		pass(j.Payload)
	}
	pass(k.behind)
	var jid [jidLen]byte
	pass(string(appendJID(jid[:0], j.Run, j.Number)))
	pass(beforeCreated)
	created, enqueued, cut := bytes.Cut(rest, []byte(beforeEnqueued))
	enqueued, closed := bytes.CutSuffix(enqueued, []byte("}"))
	return good && cut && closed && isMoment(created) && bytes.Equal(created, enqueued)
}

// isMoment reports whether b is a moment as appendSeconds writes it.
func isMoment(b []byte) bool {
	seconds, micros, cut := bytes.Cut(b, []byte("."))
	return cut && len(micros) == 6 && len(seconds) > 0 && len(bytes.Trim(seconds, "0123456789")) == 0 && len(bytes.Trim(micros, "0123456789")) == 0
}
