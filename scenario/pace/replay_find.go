package pace

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Brackets and quotes that may stand around a time.
const (
	opening = " \"'[("
	closing = " \"'])"
	around  = " \"'[(])"
)

// found is what a line holds.
type found struct {
	moment
	metric string // of k6
	skip   bool   // the line is not of a job
	// kind and what say why there is no time, empty when there is one.
	kind, what string
}

// find reads the time of a line.
func (rr *replayReader) find(text string) (f found) {
	switch rr.layout {
	case jsonLines:
		return rr.findJSON(text)
	case atStart:
		var why string
		if f.moment, _, why = rr.scan(strings.TrimLeft(text, opening), false).moment(); why != "" {
			f.kind, f.what = why, excerpt(text)+" "+why
			if why == notTime {
				f.what = excerpt(text) + " does not begin with a time"
			}
		}
		return f
	case anywhere:
		if f.moment, _, f.kind = rr.dateIn(text); f.kind != "" {
			f.what = excerpt(text) + " " + f.kind
			if f.kind == noTimeIn {
				f.what = excerpt(text) + " holds no date and time"
			}
		}
		return f
	}
	if rr.metric >= 0 {
		f.metric, _, _ = fieldOf(text, rr.o.Separator, rr.metric)
		if f.skip = !rr.wanted(f.metric); f.skip {
			return f
		}
	}
	var field string
	f.moment, field, f.kind = rr.inField(text, rr.o.Separator, rr.column)
	switch {
	case f.kind == noField:
		f.what = fmt.Sprintf("no column %d in %s", rr.column+1, excerpt(text))
	case f.kind != "":
		f.what = excerpt(field) + " " + f.kind
	}
	return f
}

func (rr *replayReader) scan(text string, comma bool) scanner {
	return scanner{text: text, unit: rr.o.Unit, comma: comma}
}

// exact reads a time that is the whole of a text.
func exact(s scanner) (m moment, text, why string) {
	s.text = strings.Trim(s.text, around)
	m, n, why := s.moment()
	if why == "" && n < len(s.text) {
		return moment{}, s.text, notTime
	}
	return m, s.text, why
}

// inField reads the time of a column.
func (rr *replayReader) inField(text string, sep rune, column int) (m moment, field, why string) {
	field, rest, ok := fieldOf(text, sep, column)
	if !ok {
		return m, "", noField
	}
	if sep != ' ' {
		return exact(rr.scan(field, sep != ','))
	}
	// A date may go on in the next columns.
	m, _, why = rr.scan(strings.TrimLeft(rest, opening), true).moment()
	return m, strings.Trim(field, around), why
}

// dateIn reads the first date in a line, wherever it stands.
func (rr *replayReader) dateIn(text string) (m moment, n int, why string) {
	why = noTimeIn
	for i := range len(text) {
		if i > 0 && strings.IndexByte(" \t[(\"'=,;|:{", text[i-1]) < 0 || !isDigit(text[i]) && (text[i] < 'A' || text[i] > 'Z') {
			continue
		}
		m, n, not := rr.scan(text[i:], false).date()
		if n > 0 {
			return m, n, ""
		}
		if not != "" && not != onlyDate {
			why = not
		}
	}
	return moment{}, 0, why
}

// findJSON reads the time of a line of JSON: of the key that is the column, of
// one that is named like a time, or of a point of k6.
func (rr *replayReader) findJSON(text string) (f found) {
	var object map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&object); err != nil || object == nil {
		f.kind, f.what = "json", excerpt(text)+" is not an object of JSON"
		return f
	}
	column := rr.o.Column
	if metric, ok := object["metric"].(string); ok && (object["type"] == "Point" || object["type"] == "Metric") {
		if rr.rows == nil {
			rr.rows = map[string][]time.Duration{}
		}
		f.metric = metric
		if f.skip = object["type"] == "Metric" || !rr.wanted(metric); f.skip {
			return f
		}
		column = cmp.Or(column, "data.time")
	}
	if column == "" {
		if rr.key == "" {
			rr.key = timeKey(object)
		}
		column = rr.key
	}
	value, ok := lookUp(object, column)
	if !ok {
		f.kind, f.what = noField, fmt.Sprintf("no key %q in %s", column, excerpt(text))
		if column == "" {
			f.what = "no key that is named like a time in " + excerpt(text)
		}
		return f
	}
	rr.key = column
	var field string
	if f.moment, field, f.kind = exact(rr.scan(fmt.Sprint(value), true)); f.kind != "" {
		f.what = excerpt(field) + " " + f.kind
	}
	return f
}

// timeKey is the key of an object that is named like a time.
func timeKey(object map[string]any) string {
	var keys []string
	for k := range object {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if at := timeColumn(keys); at >= 0 {
		return keys[at]
	}
	return ""
}

// lookUp is the value of a key, or of a path of keys with dots.
func lookUp(object map[string]any, key string) (any, bool) {
	if v, ok := object[key]; ok {
		return v, true
	}
	first, rest, ok := strings.Cut(key, ".")
	if inner, is := object[first].(map[string]any); ok && is {
		return lookUp(inner, rest)
	}
	return nil, false
}

// source says where the times were found.
func (rr *replayReader) source() string {
	text := string(rr.clock)
	switch rr.layout {
	case jsonLines:
		return text + fmt.Sprintf(" in key %q", rr.key)
	case atStart:
		return text + " at the beginning of each line"
	case anywhere:
		return text + " in each line"
	}
	if rr.column < len(rr.header) && rr.header[rr.column] != "" {
		return text + fmt.Sprintf(" in column %q", rr.header[rr.column])
	}
	return text + fmt.Sprintf(" in column %d", rr.column+1)
}
