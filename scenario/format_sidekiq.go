package scenario

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// Elements is how jobs look in the queue.
type Elements string

// The ways they can look.
const (
	PlainElements   Elements = "plain"   // the job's id, or JSON with it
	SidekiqElements Elements = "sidekiq" // as Sidekiq's client pushes jobs; the id is the first argument
)

// sidekiqForm is how Sidekiq 6 writes a job:
//
//	{"retry":false,"queue":"default","class":"HardJob","args":["…"],
//	"jid":"…","created_at":1767225600.000123,"enqueued_at":1767225600.000123}
//
// The id is the first argument, a payload the second. A job is never tried
// again: one that is would be published twice.
type sidekiqForm struct {
	before  string // up to the id
	payload bool   // whether there is a second argument
}

const (
	sidekiqPayload  = `","`
	sidekiqJID      = `"],"jid":"`
	sidekiqCreated  = `","created_at":`
	sidekiqEnqueued = `,"enqueued_at":`
	jidLen          = 24
)

// sidekiqPrefix is what the keys of Sidekiq's queues begin with.
const sidekiqPrefix = "queue:"

// SidekiqQueue is the name that Sidekiq has for the queue in the list key.
func SidekiqQueue(key string) (name string, err error) {
	name, ok := strings.CutPrefix(key, sidekiqPrefix)
	if !ok || name == "" {
		return "", fmt.Errorf("the queue %q is none of Sidekiq's: it keeps the queue NAME in the list queue:NAME, such as queue:default", key)
	}
	return name, nil
}

// SidekiqList is the list in which Sidekiq keeps the queue of that name.
func SidekiqList(name string) (key string) { return sidekiqPrefix + name }

// named is a backend whose queue has a name.
type named interface{ Queue() string }

// newSidekiqForm is nil for a scenario with elements of another kind.
func newSidekiqForm(s Scenario, b jobqueue.Backend) (*sidekiqForm, error) {
	if s.Elements != SidekiqElements {
		return nil, nil
	}
	q, ok := b.(named)
	if !ok {
		return nil, errors.New("this backend's queue has no name, and a job of Sidekiq names it")
	}
	name, err := SidekiqQueue(q.Queue())
	if err != nil {
		return nil, err
	}
	queue, err := json.Marshal(name)
	if err != nil {
		return nil, fmt.Errorf("name of the queue: %w", err)
	}
	return &sidekiqForm{
		before:  fmt.Sprintf(`{"retry":false,"queue":%s,"class":"%s","args":["`, queue, s.JobClass),
		payload: s.largestPayload() > 0,
	}, nil
}

// most is how long a job is at the most that carries so many bytes.
func (k *sidekiqForm) most(payload int) int {
	const moment = 20
	return len(k.before) + idLen + len(sidekiqPayload) + payload + len(sidekiqJID) + jidLen +
		len(sidekiqCreated) + moment + len(sidekiqEnqueued) + moment + len("}")
}

// append appends job n, as created and enqueued now.
func (k *sidekiqForm) append(dst []byte, f *format, n int64) []byte {
	dst = append(dst, k.before...)
	dst = appendJobID(dst, f.run, n)
	if k.payload {
		dst = append(dst, sidekiqPayload...)
		dst = append(dst, f.payload(n)...)
	}
	dst = append(dst, sidekiqJID...)
	dst = appendJID(dst, f.run, n)
	now := time.Now().UnixMicro()
	dst = append(dst, sidekiqCreated...)
	dst = appendSeconds(dst, now)
	dst = append(dst, sidekiqEnqueued...)
	dst = appendSeconds(dst, now)
	return append(dst, '}')
}

// appendJID appends the name that Sidekiq itself has for job n: as unique as
// its id, and as long as the library draws them.
func appendJID(dst []byte, run uint64, n int64) []byte {
	var b [jidLen / 2]byte
	binary.BigEndian.PutUint64(b[:], run<<4)
	// Of the run's 60 bits the last 12 give way to the number.
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

// read finds a job in an element of the list. The library gives an element back
// as it was when it ends in the middle of the work.
func (k *sidekiqForm) read(element []byte, f *format) (id []byte, n int64, o origin) {
	rest, ok := bytes.CutPrefix(element, []byte(k.before))
	if !ok || len(rest) < idLen {
		return nil, 0, foreign
	}
	id = rest[:idLen]
	n, o = f.identify(id)
	if o == ours && !k.whole(rest[idLen:], f, n) {
		return nil, 0, corrupt
	}
	return id, n, o
}

// whole reports whether what follows the id of job n is as it was sent.
func (k *sidekiqForm) whole(rest []byte, f *format, n int64) bool {
	good := true
	pass := func(part string) {
		var found bool
		rest, found = bytes.CutPrefix(rest, []byte(part))
		good = good && found
	}
	if k.payload {
		pass(sidekiqPayload)
		pass(f.payload(n))
	}
	pass(sidekiqJID)
	var jid [jidLen]byte
	pass(string(appendJID(jid[:0], f.run, n)))
	pass(sidekiqCreated)
	created, enqueued, cut := bytes.Cut(rest, []byte(sidekiqEnqueued))
	enqueued, closed := bytes.CutSuffix(enqueued, []byte("}"))
	return good && cut && closed && isMoment(created) && bytes.Equal(created, enqueued)
}

// isMoment reports whether b is a moment as appendSeconds writes it.
func isMoment(b []byte) bool {
	seconds, micros, cut := bytes.Cut(b, []byte("."))
	return cut && len(micros) == 6 && len(seconds) > 0 && len(bytes.Trim(seconds, "0123456789")) == 0 && len(bytes.Trim(micros, "0123456789")) == 0
}

// className is the name of a class in Ruby.
var className = regexp.MustCompile(`^[A-Z][A-Za-z0-9_]*(::[A-Z][A-Za-z0-9_]*)*$`)

// elements checks how jobs look in the queue.
func (v *validator) elements() {
	if v.Elements != "" {
		oneOf(v, "elements", v.Elements, PlainElements, SidekiqElements)
	}
	if v.Elements != SidekiqElements {
		if v.JobClass != "" {
			v.faultWith("job_class", []string{"elements"}, "only jobs of Sidekiq have a class; remove it or write elements: sidekiq")
		}
		return
	}
	switch {
	case v.JobClass == "":
		v.fault("job_class", "jobs of Sidekiq have a class; write job_class: HardJob")
	case len(v.JobClass) > maxClass || !className.MatchString(v.JobClass):
		v.fault("job_class", "%.60q is no name of a class; write it like HardJob or Mail::SendJob", v.JobClass)
	}
	none := func(field string, set bool, message string) {
		if set {
			v.faultWith(field, []string{"elements", "consumers"}, "%s", message)
		}
	}
	none("elements", !v.External, "only Sidekiq's own workers take jobs of Sidekiq; write consumers: external")
	none("design", v.Design != jobqueue.List, "Sidekiq keeps its queues in lists; write design: list")
	none("queues", len(v.Queues) > 1, "the queues of Sidekiq have names of their own; run them one by one")
	none("tenants.count", v.Tenants.Count > 1, "a job of Sidekiq says nothing of a tenant; remove it")
}
