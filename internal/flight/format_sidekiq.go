package flight

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario"
)

// sidekiq is a job as Sidekiq 6 writes it:
//
//	{"retry":false,"queue":"default","class":"HardJob","args":["…"],
//	"jid":"…","created_at":1767225600.000123,"enqueued_at":1767225600.000123}
//
// The id is the first argument, a payload the second. A job is never
// retried, since a retried one would be published twice.
type sidekiq struct {
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

// Named is a backend whose queue has a name.
type Named interface{ Queue() string }

// newSidekiq is the layout for the backend, whose queue has a name that jobs carry.
func newSidekiq(s scenario.Scenario, b jobqueue.Backend) (*sidekiq, error) {
	q, ok := b.(Named)
	if !ok {
		return nil, errors.New("this backend's queue has no name, and Sidekiq jobs need one")
	}
	name, err := scenario.SidekiqQueue(q.Queue())
	if err != nil {
		return nil, err
	}
	queue, err := json.Marshal(name)
	if err != nil {
		return nil, fmt.Errorf("name of the queue: %w", err)
	}
	return &sidekiq{
		before:  fmt.Sprintf(`{"retry":false,"queue":%s,"class":"%s","args":["`, queue, s.JobClass),
		payload: s.LargestPayload() > 0,
	}, nil
}

func (k *sidekiq) max(f *Format) int {
	const moment = 20
	return len(k.before) + IDLen + len(sidekiqPayload) + len(f.fill) + len(sidekiqJID) + jidLen +
		len(sidekiqCreated) + moment + len(sidekiqEnqueued) + moment + len("}")
}

// append appends job n, as created and enqueued now.
func (k *sidekiq) append(dst []byte, f *Format, n int64) []byte {
	dst = append(dst, k.before...)
	dst = AppendJobID(dst, f.Run, n)
	if k.payload {
		dst = append(dst, sidekiqPayload...)
		dst = append(dst, f.payload(n)...)
	}
	dst = append(dst, sidekiqJID...)
	dst = appendJID(dst, f.Run, n)
	now := time.Now().UnixMicro()
	dst = append(dst, sidekiqCreated...)
	dst = appendSeconds(dst, now)
	dst = append(dst, sidekiqEnqueued...)
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

// read finds a job in an element. When Sidekiq stops in the middle of the work, it
// puts the element back as it was.
func (k *sidekiq) read(element []byte, f *Format) (id []byte, n int64, o Origin) {
	rest, ok := bytes.CutPrefix(element, []byte(k.before))
	if !ok || len(rest) < IDLen {
		return nil, 0, Foreign
	}
	id = rest[:IDLen]
	n, o = f.Identify(id)
	if o == Ours && !k.whole(rest[IDLen:], f, n) {
		return nil, 0, Corrupt
	}
	return id, n, o
}

// whole reports whether what follows the id of job n is as it was sent.
func (k *sidekiq) whole(rest []byte, f *Format, n int64) bool {
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
	pass(string(appendJID(jid[:0], f.Run, n)))
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
