package asynq

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/queuedyno/queuedyno/internal/dialect"
)

// layout is a task as the script that puts it in gets it, all in one text:
//
//	<id><time in nanoseconds><message, a protocol buffer>
//
// The list of pending tasks has the id alone. A task is never retried, since a retried one
// would be published twice.
type layout struct {
	kind string // of the task, as its field of the message
	data dialect.Data
	rest string // of the message, behind the id
}

// The fields of asynq's TaskMessage.
const (
	fieldType    = 1
	fieldPayload = 2
	fieldID      = 3
	fieldQueue   = 4
	fieldTimeout = 8
)

const (
	nanosLen = 19   // digits of the time, until the year 2286
	timeout  = 1800 // seconds, asynq's default
)

// Layout is how tasks look in asynq's queue.
func (d Dialect) Layout(j dialect.Jobs) (dialect.Layout, error) {
	name := d.Facts().Name(j.Queue)
	if d.Facts().Key(name) != j.Queue || strings.TrimSpace(name) == "" || strings.Contains(name, "}") {
		return nil, fmt.Errorf("%q is not the name of an asynq queue, such as default", name)
	}
	data, err := dialect.NewData(j.Args, j.Payload)
	if err != nil {
		return nil, err
	}
	rest := protowire.AppendString(protowire.AppendTag(nil, fieldQueue, protowire.BytesType), name)
	rest = protowire.AppendVarint(protowire.AppendTag(rest, fieldTimeout, protowire.VarintType), timeout)
	return &layout{
		kind: string(protowire.AppendString(protowire.AppendTag(nil, fieldType, protowire.BytesType), j.Name)),
		data: data, rest: string(rest),
	}, nil
}

// Max is the size of a task.
func (l *layout) Max(payload int) int {
	return dialect.IDLen + nanosLen + len(l.kind) +
		protowire.SizeTag(fieldPayload) + protowire.SizeBytes(l.data.Len(payload)) +
		protowire.SizeTag(fieldID) + protowire.SizeBytes(dialect.IDLen) + len(l.rest)
}

// Append appends a task, as pending from now on.
func (l *layout) Append(dst []byte, j dialect.Job) []byte {
	dst = append(dst, j.ID[:]...)
	dst = strconv.AppendInt(dst, time.Now().UnixNano(), 10)
	return l.appendMessage(dst, j)
}

// appendMessage appends the message of a task.
func (l *layout) appendMessage(dst []byte, j dialect.Job) []byte {
	dst = append(dst, l.kind...)
	dst = protowire.AppendTag(dst, fieldPayload, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(l.data.Len(len(j.Payload))))
	dst = l.data.Append(dst, j.Payload)
	dst = protowire.AppendTag(dst, fieldID, protowire.BytesType)
	dst = protowire.AppendBytes(dst, j.ID[:])
	return append(dst, l.rest...)
}

// Find finds the id of a task.
func (l *layout) Find(element []byte) []byte {
	const head = dialect.IDLen + nanosLen
	if len(element) != dialect.IDLen && (len(element) < head || !bytes.HasPrefix(element[head:], []byte(l.kind))) {
		return nil
	}
	return element[:dialect.IDLen]
}

// Whole reports whether an element is the task: the list has its id alone.
func (l *layout) Whole(element []byte, j dialect.Job) bool {
	return len(element) == dialect.IDLen || bytes.Equal(element[dialect.IDLen+nanosLen:], l.appendMessage(nil, j))
}
