package updates

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/nearest"
)

// deepest bounds how many keys a path has.
const deepest = 16

// mappingKey is a key of a mapping: a fact that stands at a path, a status that has words, or
// where the updates are announced.
type mappingKey struct {
	name    string
	example string
	kind    keyKind
	which   int // fact or status
	// also are names by which somebody may look for it.
	also []string
}

type keyKind int

const (
	ofFact keyKind = iota
	ofStatus
	ofChannel
	ofKey
)

var mappingKeys = []mappingKey{
	{"id", "id=.id", ofFact, factID, []string{"jobId", "job_id", "job"}},
	{"tenant", "tenant=.org", ofFact, factTenant, []string{"tenantId", "tenant_id"}},
	{"status", "status=.state", ofFact, factStatus, []string{"state"}},
	{"error", "error=.err.msg", ofFact, factError, []string{"err", "reason"}},
	{"completed", "completed=done|ok", ofStatus, 0, []string{"done", "complete", "success", "finished"}},
	{"failed", "failed=error", ofStatus, 1, []string{"failure", "fail"}},
	{"running", "running=started", ofStatus, 2, []string{"started", "active"}},
	{"channel", "channel=job:{id}:events", ofChannel, 0, []string{"channels", "topic", "pattern"}},
	{"key", "key=result:{id}", ofKey, 0, []string{"keys", "result", "hash"}},
}

const mappingExample = "id=.id,status=.state,completed=done|ok,failed=error,running=started"

// MappingError is everything that is wrong with a mapping, a line each.
type MappingError struct{ Problems []string }

func (e *MappingError) Error() string { return strings.Join(e.Problems, "; ") }

// ParseMapping reads a mapping such as
//
//	id=.id,tenant=.org,status=.state,error=.err.msg,completed=done|ok,failed=error,running=started
//
// What is left out is as in the documented form. A path names the keys from the
// outermost object inwards, exactly as they are written; words may be in any case, and
// stand for numbers, true and false as well, and * for any other word. Keys and words with
// one of . , = | or a space in them go between double quotes.
//
// With channel=job:{id}:events, or {tenant} or {status} in the name, updates are found on
// channels with such names, and with key=result:{id} at keys, texts or hashes, that workers
// set. Then a path of . is the whole message. The error is a [*MappingError].
func ParseMapping(text string) (Mapping, error) {
	m := Mapping{text: strings.TrimSpace(text)}
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if m.text == "" {
		problem("it is empty; write it like %s", mappingExample)
	}
	given := map[string]bool{}
	var source *Source
	for _, part := range cut(m.text, ',') {
		if m.text == "" {
			break
		}
		name, value, paired := strings.Cut(part, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		i := slices.IndexFunc(mappingKeys, func(k mappingKey) bool { return k.name == name })
		switch {
		case i < 0:
			problem("unknown key %.40q%s; there are id, tenant, status, error, completed, failed, running, channel and key", name, didYouMean(name))
			continue
		case given[name] && mappingKeys[i].kind == ofStatus:
			problem("%s is given twice; separate its words by |, like %s", name, mappingKeys[i].example)
			continue
		case given[name]:
			problem("%s is given twice; leave one out", name)
			continue
		}
		given[name] = true
		key := mappingKeys[i]
		switch {
		case !paired || value == "":
			problem("%s has no value; write it like %s", name, key.example)
		case key.kind == ofFact && value == ".":
			m.places[key.which].whole = true
		case key.kind == ofFact:
			path, err := ParsePath(value)
			if err != nil {
				problem("%s: %s", name, err)
			}
			m.places[key.which].path = path
		case key.kind == ofStatus:
			all, otherwise, err := parseWords(value)
			if err != nil {
				problem("%s: %s; write it like %s", name, err, key.example)
			}
			m.words[key.which] = all
			if otherwise && m.otherwise > 0 {
				problem("%s: any other word stands for %s already; leave the * out of one", name, strings.ToLower(string(meanings[m.otherwise-1])))
			} else if otherwise {
				m.otherwise = key.which + 1
			}
		case source != nil:
			problem("updates are announced on channels or at keys; remove channel or key")
		default:
			word, err := unquote(value)
			if err == nil {
				source, err = parseSource(word, key.kind == ofKey)
			}
			if err != nil {
				problem("%s: %s", name, err)
			}
		}
	}
	problems = append(problems, m.conflicts()...)
	if len(problems) == 0 {
		if err := m.from(source); err != nil {
			problem("%s", err)
		}
	}
	if len(problems) > 0 {
		return Mapping{}, &MappingError{problems}
	}
	return m, nil
}

// conflicts are words that stand for two statuses, and places that hold two facts.
func (m *Mapping) conflicts() (problems []string) {
	seen := map[string]int{}
	for i := range m.words {
		all := m.words[i]
		if len(all) == 0 {
			all = standard.words[i]
		}
		for _, w := range all {
			word := strings.ToLower(string(w))
			before, twice := seen[word]
			switch name := strings.ToLower(string(meanings[i])); {
			case twice && before == i:
				problems = append(problems, fmt.Sprintf("%s: the word %q is there twice; leave one out (the case of letters makes no difference)", name, w))
			case twice:
				other := strings.ToLower(string(meanings[before]))
				remedy := "leave it out of one"
				if len(m.words[i]) == 0 {
					remedy = fmt.Sprintf("%s has it unless %s=… says otherwise", name, name)
				} else if len(m.words[before]) == 0 {
					remedy = fmt.Sprintf("%s has it unless %s=… says otherwise", other, other)
				}
				problems = append(problems, fmt.Sprintf("the word %q stands for %s and for %s; %s", w, other, name, remedy))
			}
			seen[word] = i
		}
	}
	if id, status := m.places[factID].String(), m.places[factStatus].String(); id == status && id != "" {
		problems = append(problems, fmt.Sprintf("id and status are both at %s; they are different keys of a message", id))
	}
	return problems
}

// ParsePath reads a path such as ".data.id": the keys from the outermost object
// inwards.
func ParsePath(text string) ([][]byte, error) {
	if !strings.HasPrefix(text, ".") {
		return nil, fmt.Errorf("%q is no path; write .%s", text, strings.ReplaceAll(text, "/", "."))
	}
	var path [][]byte
	for _, part := range cut(text[1:], '.') {
		key, err := unquote(part)
		switch {
		case err != nil:
			return nil, err
		case key == "":
			return nil, fmt.Errorf("%q has an empty key; write it like .data.id", text)
		case strings.ContainsAny(part, "[]") && part[0] != '"':
			return nil, fmt.Errorf("%q: elements of arrays cannot be named; a path has keys of objects, like .data.id", text)
		}
		path = append(path, []byte(key))
	}
	if len(path) > deepest {
		return nil, fmt.Errorf("%q has more than %d keys", text, deepest)
	}
	return path, nil
}

// Dotted is a path in JSON with the dot at the beginning that it may lack; $.data.id is
// one, too.
func Dotted(text string) string {
	return "." + strings.TrimPrefix(strings.TrimPrefix(text, "$"), ".")
}

// parseWords reads "done|ok"; a * stands for any other word.
func parseWords(text string) (all words, otherwise bool, err error) {
	for _, part := range cut(text, '|') {
		part = strings.TrimSpace(part)
		if part == "*" {
			otherwise = true
			continue
		}
		word, err := unquote(part)
		if err != nil {
			return nil, false, err
		}
		if word == "" {
			return nil, false, errors.New("a word is empty")
		}
		all = append(all, []byte(word))
	}
	return all, otherwise, nil
}

// cut cuts a text at each separator that is not between double quotes.
func cut(text string, at byte) []string {
	var parts []string
	from, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quoted:
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == at && !quoted:
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:])
}

// unquote reads a key or a word, which may be between double quotes.
func unquote(text string) (string, error) {
	if !strings.Contains(text, `"`) {
		return text, nil
	}
	word, err := strconv.Unquote(text)
	if err != nil || text[0] != '"' {
		return "", fmt.Errorf(`%s is not quoted right; quote a whole key or word, like "a.b"`, text)
	}
	return word, nil
}

// didYouMean suggests a key.
func didYouMean(name string) string {
	var known []string
	key := map[string]string{}
	for _, k := range mappingKeys {
		for _, word := range append([]string{k.name}, k.also...) {
			word = strings.ToLower(word)
			known, key[word] = append(known, word), k.name
		}
	}
	near := nearest.Nearest(strings.ToLower(name), known)
	if near == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", key[near])
}
