package rq

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/dialect"
)

// layout is a job as the script that puts it in gets it, all in one text:
//
//	<id><time><call>
//
// The list of the queue has the id alone. The call is what RQ serializes by default: Python's
// pickle of the function's name, no instance, the arguments, and no keyword arguments. RQ's
// client compresses it, and its workers take it either way.
type layout struct {
	before  string // up to the payload, or the end of the arguments
	payload bool
}

const (
	timeForm = "2006-01-02T15:04:05.000000Z"
	head     = dialect.IDLen + len(timeForm)
)

// The codes of pickle, protocol 2. See Python's pickletools.
const (
	protocol = "\x80\x02"
	mark     = '('
	text     = 'X' // its length and it follow
	none     = 'N'
	yes      = '\x88'
	no       = '\x89'
	whole    = 'L' // decimal digits and an L follow, up to the end of the line
	float    = 'F' // decimal digits follow, up to the end of the line
	list     = ']'
	appends  = 'e' // what is behind the mark to the list before it
	dict     = '}'
	sets     = 'u' // what is behind the mark in the dict before it
	tuple    = 't' // of what is behind the mark
	stop     = '.'
)

// behind is what follows the arguments: the end of their tuple, no keyword arguments, and the
// end of the call.
var behind = []byte{tuple, dict, tuple, stop}

func newLayout(j dialect.Jobs) (*layout, error) {
	call := append([]byte(protocol), mark)
	call = appendText(call, j.Name)
	call = append(call, none, mark)
	if j.Args != "" {
		d := json.NewDecoder(strings.NewReader(j.Args))
		d.UseNumber()
		var err error
		if call, err = appendArgs(call, d); err != nil {
			return nil, fmt.Errorf("%.60q are not the arguments of an RQ job: they are a JSON array, such as [42, \"a\"] (%w)", j.Args, err)
		}
	}
	return &layout{string(call), j.Payload}, nil
}

// appendArgs appends the elements of an array.
func appendArgs(call []byte, d *json.Decoder) ([]byte, error) {
	if first, err := d.Token(); err != nil || first != json.Delim('[') {
		return nil, errors.Join(err, errors.New("there is no array"))
	}
	for d.More() {
		var err error
		if call, err = appendValue(call, d); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows it")
	}
	return call, nil
}

// appendValue appends the next value of JSON.
func appendValue(call []byte, d *json.Decoder) ([]byte, error) {
	next, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := next.(type) {
	case nil:
		return append(call, none), nil
	case bool:
		if v {
			return append(call, yes), nil
		}
		return append(call, no), nil
	case string:
		return appendText(call, v), nil
	case json.Number:
		return appendNumber(call, v)
	}
	open, fill := byte(list), byte(appends)
	if next == json.Delim('{') {
		open, fill = dict, sets
	}
	call = append(call, open, mark)
	for d.More() { // the members of an object are a key and a value in turn
		if call, err = appendValue(call, d); err != nil {
			return nil, err
		}
	}
	_, err = d.Token()
	return append(call, fill), err
}

func appendNumber(call []byte, n json.Number) ([]byte, error) {
	if !strings.ContainsAny(n.String(), ".eE") {
		return append(append(append(call, whole), n...), "L\n"...), nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, err
	}
	return append(strconv.AppendFloat(append(call, float), f, 'g', -1, 64), '\n'), nil
}

func appendText(call []byte, s string) []byte {
	call = binary.LittleEndian.AppendUint32(append(call, text), uint32(len(s)))
	return append(call, s...)
}

// Max is the size of a job.
func (l *layout) Max(payload int) int {
	size := head + len(l.before) + len(behind)
	if l.payload {
		size += 5 + payload
	}
	return size
}

// Append appends a job, as made now.
func (l *layout) Append(dst []byte, j dialect.Job) []byte {
	dst = append(dst, j.ID[:]...)
	return l.appendCall(time.Now().UTC().AppendFormat(dst, timeForm), j)
}

// appendCall appends what follows the time.
func (l *layout) appendCall(dst []byte, j dialect.Job) []byte {
	dst = append(dst, l.before...)
	if l.payload {
		dst = appendText(dst, j.Payload)
	}
	return append(dst, behind...)
}

// Find finds the id of a job.
func (l *layout) Find(element []byte) []byte {
	if len(element) != dialect.IDLen && (len(element) < head || !bytes.HasPrefix(element[head:], []byte(l.before))) {
		return nil
	}
	return element[:dialect.IDLen]
}

// Whole reports whether an element is the job: the list has its id alone.
func (l *layout) Whole(element []byte, j dialect.Job) bool {
	return len(element) == dialect.IDLen || bytes.Equal(element[head:], l.appendCall(nil, j))
}
