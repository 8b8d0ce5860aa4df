package updates

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/queuedyno/queuedyno/internal/jsonscan"
	"github.com/queuedyno/queuedyno/jobqueue"
)

// Mapping says where updates of another form hold what we read, and which words
// stand for which status. The zero Mapping is the documented form. It is for what is
// read: what is written is always of the documented form. Use [ParseMapping].
type Mapping struct {
	text   string
	source *Source         // nil for messages on one channel
	places [facts]place    // empty paths are those of the documented form
	words  [statuses]words // none are the status itself
	// otherwise is the status that any other word stands for, by its number from 1, or 0.
	otherwise int
}

// What is read of an update.
const (
	factID = iota
	factTenant
	factStatus
	factError
	factWork
	facts
)

const statuses = 3

// place is where in a message something stands.
type place struct {
	path    [][]byte
	anyCase bool // of the letters in the keys
	whole   bool // it is the whole message, in whatever form
}

type words [][]byte

// standard is the documented form.
var standard = Mapping{
	places: [facts]place{
		{path: [][]byte{[]byte("jobId")}, anyCase: true},
		{path: [][]byte{[]byte("tenantId")}, anyCase: true},
		{path: [][]byte{[]byte("status")}, anyCase: true},
		{path: [][]byte{[]byte("error")}, anyCase: true},
		{path: [][]byte{[]byte("workNs")}, anyCase: true},
	},
	words: [statuses]words{{[]byte(jobqueue.Completed)}, {[]byte(jobqueue.Failed)}, {[]byte(jobqueue.Running)}},
}

// meanings are the statuses in the order of the words of a Mapping.
var meanings = [statuses]jobqueue.Status{jobqueue.Completed, jobqueue.Failed, jobqueue.Running}

// The errors of messages of the documented form, which cost nothing to make.
var (
	errNoID     = errors.New("there is no job id at .jobId")
	errNoStatus = errors.New("there is no status at .status")
)

// String is the text that [ParseMapping] reads, "" for the documented form.
func (m *Mapping) String() string { return m.text }

// Source is where the updates are announced, nil for the one channel of a run. What is read
// then is what [Source.AppendComposed] appends.
func (m *Mapping) Source() *Source { return m.source }

// View looks at a message as [ViewUpdate] does. A Mapping may be used by several
// goroutines at once.
func (m *Mapping) View(message []byte) (View, error) {
	if m.text == "" {
		if v, ok := viewPlain(message); ok {
			return v, nil
		}
	}
	found, err := m.find(message)
	if err != nil {
		return View{}, err
	}
	v := View{JobID: jsonscan.Contents(found[factID]), Status: m.meaning(found[factStatus]), Work: jsonscan.Nanoseconds(found[factWork])}
	if found[factTenant] != nil {
		v.TenantID = jsonscan.Contents(found[factTenant])
	}
	return v, nil
}

// find finds what is known of an update. There is a job id and a status unless there
// is an error.
func (m *Mapping) find(message []byte) (found [facts][]byte, err error) {
	obj := m.search(jsonscan.Object(message), 1<<facts-1, 0, &found)
	if err := obj.End(); err != nil {
		return found, err
	}
	switch {
	case found[factID] == nil && len(m.places[factID].path) == 0:
		return found, errNoID
	case found[factID] == nil:
		return found, fmt.Errorf("there is no job id at %s", m.places[factID])
	case found[factStatus] == nil && len(m.places[factStatus].path) == 0:
		return found, errNoStatus
	case found[factStatus] == nil:
		return found, fmt.Errorf("there is no status at %s", m.places[factStatus])
	}
	return found, nil
}

// search goes through an object that lies depth keys deep, in which those of the facts
// can be whose bits are set. It returns the object as it is after its last member; by
// value, since a pointer that goes into a recursion costs an allocation.
func (m *Mapping) search(obj jsonscan.Members, within uint, depth int, found *[facts][]byte) jsonscan.Members {
	for obj.Next() {
		var deeper uint
		for fact := range facts {
			if within&(1<<fact) == 0 {
				continue
			}
			at := m.places[fact]
			if len(at.path) == 0 {
				at = standard.places[fact]
			}
			if !obj.Is(at.path[depth], at.anyCase) {
				continue
			}
			if len(at.path) > depth+1 {
				deeper |= 1 << fact
			} else if at.whole || usable(fact, obj.Value) {
				found[fact] = obj.Value
			}
		}
		if deeper != 0 && obj.Value[0] == '{' {
			inner := m.search(obj.Inner(), deeper, depth+1, found)
			obj.Fail(inner.Err())
		}
	}
	return obj
}

// usable reports whether a value can be that of the fact.
func usable(fact int, token []byte) bool {
	switch fact {
	case factID, factTenant:
		return jsonscan.IsID(token)
	case factStatus:
		return jsonscan.IsStatus(token)
	}
	return true
}

// meaning is the status that a value stands for, else what it says.
func (m *Mapping) meaning(token []byte) jobqueue.Status {
	word := jsonscan.Contents(token)
	for i, all := range m.words {
		if len(all) == 0 {
			all = standard.words[i]
		}
		for _, w := range all {
			if bytes.EqualFold(w, word) {
				return meanings[i]
			}
		}
	}
	if m.otherwise > 0 {
		return meanings[m.otherwise-1]
	}
	return jobqueue.Status(word)
}

// String is the path as it is written, ".data.id".
func (p place) String() string {
	if p.whole && len(p.path) == 0 {
		return "."
	}
	var b strings.Builder
	for _, key := range p.path {
		b.WriteByte('.')
		if name := string(key); simple(name) {
			b.WriteString(name)
		} else {
			fmt.Fprintf(&b, "%q", name)
		}
	}
	return b.String()
}

// simple reports whether a key or a word needs no quotes.
func simple(word string) bool {
	if word == "" {
		return false
	}
	for _, c := range word {
		if c <= ' ' || c == 0x7f || strings.ContainsRune(`.,=|"'`+"\\`$", c) {
			return false
		}
	}
	return true
}
