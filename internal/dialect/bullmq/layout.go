package bullmq

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/dialect"
)

// layout is a job as the script that puts it in gets it, all in one text:
//
//	<id><time in milliseconds><name of the job>\n<data, a JSON object>
//
// The list of waiting jobs has the id alone.
type layout struct {
	name string // with the line's end
	data dialect.Data
}

const timeLen = 13 // digits of the milliseconds, until the year 2286

// Layout is how jobs look in BullMQ's queue.
func (Dialect) Layout(j dialect.Jobs) (dialect.Layout, error) {
	name, ok := strings.CutSuffix(j.Queue, waiting)
	if at := strings.LastIndex(name, ":"); !ok || at < 1 || at == len(name)-1 {
		return nil, fmt.Errorf("%q is not a BullMQ queue: its keys begin with a prefix and its name, such as bull:mails", name)
	}
	data, err := dialect.NewData(j.Args, j.Payload)
	if err != nil {
		return nil, err
	}
	return &layout{name: j.Name + "\n", data: data}, nil
}

// Max is the size of a job.
func (l *layout) Max(payload int) int {
	return dialect.IDLen + timeLen + len(l.name) + l.data.Len(payload)
}

// Append appends a job, as made now.
func (l *layout) Append(dst []byte, j dialect.Job) []byte {
	dst = append(dst, j.ID[:]...)
	dst = strconv.AppendInt(dst, time.Now().UnixMilli(), 10)
	return l.appendRest(dst, j)
}

// appendRest appends what follows the time.
func (l *layout) appendRest(dst []byte, j dialect.Job) []byte {
	return l.data.Append(append(dst, l.name...), j.Payload)
}

// Find finds the id of a job.
func (l *layout) Find(element []byte) []byte {
	const head = dialect.IDLen + timeLen
	if len(element) != dialect.IDLen && (len(element) < head || !bytes.HasPrefix(element[head:], []byte(l.name))) {
		return nil
	}
	return element[:dialect.IDLen]
}

// Whole reports whether an element is the job: the list has its id alone.
func (l *layout) Whole(element []byte, j dialect.Job) bool {
	return len(element) == dialect.IDLen || bytes.Equal(element[dialect.IDLen+timeLen:], l.appendRest(nil, j))
}
