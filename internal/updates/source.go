package updates

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/glob"
	"github.com/queuedyno/queuedyno/internal/jsonscan"
)

// Source is where workers announce what became of jobs, if not on one channel: on channels
// that have the job, its tenant or its status in their names, or at a key for each job.
type Source struct {
	// Keys means that the names are those of keys, which workers set, and not of channels.
	Keys bool
	text string
	// parts are what stands in the name between the facts, one more than there are facts.
	parts [][]byte
	facts []int
}

// sourceFacts are what can stand in a name, between braces.
var sourceFacts = map[string]int{"id": factID, "tenant": factTenant, "status": factStatus}

// parseSource reads a name such as job:{id}:events.
func parseSource(name string, keys bool) (*Source, error) {
	s := &Source{Keys: keys, text: name}
	for {
		before, rest, found := strings.Cut(name, "{")
		fact, after, closed := strings.Cut(rest, "}")
		which, known := sourceFacts[fact]
		switch {
		case !found:
			s.parts = append(s.parts, []byte(name))
			return s, s.check()
		case !closed || !known:
			return nil, fmt.Errorf("%q: between braces stands id, tenant or status, as in job:{id}:events", s.text)
		case slices.Contains(s.facts, which):
			return nil, fmt.Errorf("%q has {%s} twice", s.text, fact)
		case len(s.facts) > 0 && before == "":
			return nil, fmt.Errorf("%q: something has to stand between {%s} and what is before it, to tell them apart", s.text, fact)
		}
		s.parts, s.facts = append(s.parts, []byte(before)), append(s.facts, which)
		name = after
	}
}

func (s *Source) check() error {
	switch {
	case s.Keys && !slices.Equal(s.facts, []int{factID}):
		return fmt.Errorf("%q is not the name of a key for each job; write it like result:{id}, with {id} and nothing else between braces", s.text)
	case len(s.facts) == 0:
		return fmt.Errorf("%q is the name of one channel, which --channel takes; write it like job:{id}:events, with {id}, {tenant} or {status}", s.text)
	}
	return nil
}

// String is the name as it is written, "job:{id}:events".
func (s *Source) String() string { return s.text }

// Words is what it is, for people: channels "job:{id}:events".
func (s *Source) Words() string {
	if s.Keys {
		return fmt.Sprintf("keys %q", s.text)
	}
	return fmt.Sprintf("channels %q", s.text)
}

// has reports whether the fact stands in the names.
func (s *Source) has(fact int) bool { return slices.Contains(s.facts, fact) }

// Pattern is the pattern of all names, as PSUBSCRIBE takes it, with ids that begin with these
// letters.
func (s *Source) Pattern(ids string) string {
	var b strings.Builder
	for i, part := range s.parts {
		b.WriteString(glob.Literal(string(part)))
		if i < len(s.facts) {
			if s.facts[i] == factID {
				b.WriteString(glob.Literal(ids))
			}
			b.WriteByte('*')
		}
	}
	return b.String()
}

// Name is the name of the key of the job with that id.
func (s *Source) Name(id string) string { return string(s.parts[0]) + id + string(s.parts[1]) }

// Fields are the fields of a hash that a key can be in which something of the mapping is read;
// none means the whole.
func (m *Mapping) Fields() (all []string) {
	for fact, at := range m.places {
		if at.whole {
			return nil
		}
		if m.source.has(fact) {
			continue
		}
		if field := string(at.path[1]); !slices.Contains(all, field) {
			all = append(all, field)
		}
	}
	return all
}

// The keys of a composed message, in which a Mapping finds what its source announces.
const (
	nameKey  = "name"
	valueKey = "message"
)

var (
	openName  = []byte(`{"` + nameKey + `":{`)
	openValue = []byte(`},"` + valueKey + `":`)
)

// AppendComposed appends an object with what a name says and what was announced there, in
// which a Mapping with this source finds both. It appends nothing if the name is not one of
// the source.
func (s *Source) AppendComposed(dst, name, message []byte) []byte {
	begin := len(dst)
	dst = append(dst, openName...)
	rest, ok := bytes.CutPrefix(name, s.parts[0])
	for i, fact := range s.facts {
		behind, end := s.parts[i+1], -1
		switch {
		case !ok:
		case i+1 < len(s.facts):
			end = bytes.Index(rest, behind)
		case bytes.HasSuffix(rest, behind):
			end = len(rest) - len(behind)
		}
		if ok = end > 0; !ok {
			return dst[:begin]
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonscan.AppendText(dst, factNames[fact])
		dst = jsonscan.AppendText(append(dst, ':'), rest[:end])
		rest = rest[end+len(behind):]
	}
	dst = append(dst, openValue...)
	return append(AppendValue(dst, message), '}')
}

// AppendValue appends JSON as it is and anything else as a text.
func AppendValue(dst, message []byte) []byte {
	value := bytes.Trim(bytes.TrimPrefix(message, []byte("\ufeff")), " \t\r\n\x00")
	obj := jsonscan.Object(value)
	for obj.Next() {
	}
	if obj.End() == nil || json.Valid(value) {
		return append(dst, value...)
	}
	return jsonscan.AppendText(dst, message)
}

// factNames are how facts are called in names and in composed messages.
var factNames = [facts]string{factID: "id", factTenant: "tenant", factStatus: "status"}

// from makes the mapping read what its source announces: each fact stands in the name, or else
// at its place in the message.
func (m *Mapping) from(s *Source) error {
	if s == nil {
		for _, at := range m.places {
			if at.whole {
				return errors.New("a path of . is the whole message, which has no room for the job's id; say where the id is, like channel=job:{id}")
			}
		}
		return nil
	}
	m.source = s
	for fact := range m.places {
		at := &m.places[fact]
		name := factNames[fact]
		switch {
		case s.has(fact) && (at.whole || len(at.path) > 0):
			return fmt.Errorf("%s is both in %s and at %s; remove one", name, s, at)
		case s.has(fact):
			*at = place{path: [][]byte{[]byte(nameKey), []byte(name)}}
			continue
		case len(at.path) == 0 && !at.whole:
			*at = standard.places[fact]
		}
		at.path = slices.Concat([][]byte{[]byte(valueKey)}, at.path)
	}
	return nil
}
