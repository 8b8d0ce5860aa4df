package pace

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// layout is where the times stand in the lines of a file.
type layout int

const (
	undecided layout = iota
	atStart          // of each line
	anywhere         // the first date in each line
	inColumn
	jsonLines
)

// Kinds of lines without a time, besides the reasons why a text is not one.
const (
	noTimeIn = "no time in the line"
	noField  = "no such column"
)

// timeColumns are names of columns and keys that hold times, in lower case. The
// files of k6, JMeter, hey, Docker, journald and many loggers have them.
var timeColumns = []string{
	"timestamp", "time_stamp", "@timestamp", "__realtime_timestamp", "datetime", "date_time", "time", "ts", "due", "due_at", "due at",
	"offset", "arrival", "arrival_time", "arrived_at", "start", "start_time", "started_at", "created_at", "enqueued_at", "date", "t", "at",
}

// k6Metrics are the metrics of k6 of which a row is a request, the better first.
var k6Metrics = []string{"http_reqs", "iterations"}

// wanted reports whether rows of a metric of k6 count, and remembers some that
// do not.
func (rr *replayReader) wanted(metric string) bool {
	if slices.Contains(k6Metrics, metric) {
		return true
	}
	if len(rr.metrics) < 10 && !slices.Contains(rr.metrics, metric) {
		rr.metrics = append(rr.metrics, metric)
	}
	return false
}

// decide finds out from a line where the times stand. It reports whether the
// line is a header.
func (rr *replayReader) decide(text string) (header bool, err error) {
	switch {
	case text[0] == '{' && len(text) > 1:
		rr.layout = jsonLines
		return false, nil
	case text == "{", text[0] == '[' && (len(text) == 1 || strings.ContainsRune("{\n ", rune(text[1]))):
		rr.problems.add(rr.line, "json", "the file is JSON of several lines or a list", "write one object a line with jq -c . FILE or jq -c '.[]' FILE")
		return false, errEnough
	case rr.number >= 0:
		return rr.decideNumber(text), nil
	case rr.o.Column != "":
		return rr.decideName(text)
	case rr.header == nil && rr.startsWithTime(text):
		return false, nil
	}
	if rr.header == nil {
		sep := rr.separatorOf(text, 0)
		names := rr.fields(text, sep)
		if at := timeColumn(names); len(names) > 1 && sep != ' ' && at >= 0 {
			rr.layout, rr.header, rr.o.Separator, rr.column = inColumn, names, sep, at
			rr.findMetric()
			return true, nil
		}
		if m, _, _ := rr.dateIn(text); m.clock != "" {
			rr.layout = anywhere
			return false, nil
		}
		rr.header = names
		return true, nil
	}
	// The second line, after a header that names no time.
	sep := rr.separatorOf(text, 0)
	if len(rr.header) == 1 || sep == ' ' {
		if rr.startsWithTime(text) {
			return false, nil
		}
		if m, _, _ := rr.dateIn(text); m.clock != "" || len(rr.header) == 1 {
			rr.layout = anywhere
			return false, nil
		}
	}
	rr.layout, rr.o.Separator = inColumn, sep
	rr.column = rr.columnOf(rr.fields(text, rr.o.Separator))
	return false, nil
}

// startsWithTime decides that each line begins with a time if this one does. A
// small number before a date is something else, such as the id of a process.
func (rr *replayReader) startsWithTime(text string) bool {
	m, _, why := rr.scan(strings.TrimLeft(text, opening), false).moment()
	if why != "" && why != notTime && why != negative && !strings.ContainsRune(opening, rune(text[0])) {
		rr.layout = atStart // it is to blame
		return true
	}
	if m.clock == "" {
		return false
	}
	rr.layout = atStart
	if !m.clock.absolute() && rr.o.Unit == "" && rr.o.Column == "" {
		if other, _, _ := rr.dateIn(text); other.clock != "" {
			rr.layout = anywhere
		}
	}
	return true
}

// decideNumber finds the separator for a column that is given by number.
func (rr *replayReader) decideNumber(text string) (header bool) {
	rr.column = rr.number
	if rr.column == 0 && rr.o.Separator == 0 && rr.startsWithTime(text) {
		return false // a comma may belong to the time
	}
	// Dates and Unix times first: any small number is a time since the start.
	for _, absolute := range []bool{true, false} {
		for _, sep := range rr.separators() {
			if m, _, _ := rr.inField(text, sep, rr.column); m.clock != "" && m.clock.absolute() == absolute {
				rr.layout, rr.o.Separator = inColumn, sep
				return false
			}
		}
	}
	sep := rr.separatorOf(text, rr.column)
	names := rr.fields(text, sep)
	rr.o.Separator = sep
	if rr.header == nil && rr.column < len(names) {
		name := strings.Trim(names[rr.column], around)
		if name == "" || !isDigit(name[0]) && name[0] != '-' && name[0] != '.' {
			rr.header = names
			rr.findMetric()
			if len(names) > 1 {
				rr.layout = inColumn
			}
			return true
		}
	}
	rr.layout = inColumn
	return false
}

// decideName finds the column of that name in the header.
func (rr *replayReader) decideName(text string) (header bool, err error) {
	for _, sep := range rr.separators() {
		names := rr.fields(text, sep)
		if at := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, rr.o.Column) }); at >= 0 {
			rr.layout, rr.header, rr.o.Separator, rr.column = inColumn, names, sep, at
			rr.findMetric()
			return true, nil
		}
	}
	names := rr.fields(text, rr.separatorOf(text, 0))
	rr.problems.add(rr.line, noField, fmt.Sprintf("no column %q in the header; it has %s", rr.o.Column, excerpt(strings.Join(names, ", "))), "")
	return false, errEnough
}

// findMetric finds the column of the metric when the header is that of k6.
func (rr *replayReader) findMetric() {
	if at := slices.Index(rr.header, "metric_name"); at >= 0 && slices.Contains(rr.header, "timestamp") {
		rr.metric, rr.rows = at, map[string][]time.Duration{}
	}
}

// timeColumn is the column whose name is that of a time, -1 for no such column.
func timeColumn(names []string) int {
	for _, known := range timeColumns {
		if at := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, known) }); at >= 0 {
			return at
		}
	}
	return slices.IndexFunc(names, func(n string) bool {
		n = strings.ToLower(n)
		return strings.Contains(n, "timestamp") || strings.HasSuffix(n, "_time") || strings.HasSuffix(n, "_at") || strings.HasPrefix(n, "date")
	})
}

// columnOf is the first column that holds a date or a time since 1970, else the
// first.
func (rr *replayReader) columnOf(fields []string) int {
	return max(0, slices.IndexFunc(fields, func(f string) bool {
		m, _, _ := exact(rr.scan(f, rr.o.Separator != ','))
		return m.clock != "" && m.clock.absolute()
	}))
}

// separators are those that may stand between columns.
func (rr *replayReader) separators() []rune {
	if rr.o.Separator != 0 {
		return []rune{rr.o.Separator}
	}
	return []rune("\t,;| ")
}

// separatorOf is the first separator that gives a line a column of that number,
// and more than one column.
func (rr *replayReader) separatorOf(text string, column int) rune {
	all := rr.separators()
	for _, sep := range all {
		if n := len(rr.fields(text, sep)); n > 1 && n > column {
			return sep
		}
	}
	return all[len(all)-1]
}

// fields are all fields of a line.
func (rr *replayReader) fields(text string, sep rune) []string {
	var all []string
	for i := 0; ; i++ {
		f, _, ok := fieldOf(text, sep, i)
		if !ok {
			return all
		}
		all = append(all, strings.TrimSpace(strings.Trim(f, ` "'`)))
	}
}

// fieldOf is the i-th field of a line, from 0, and what of the line begins there.
func fieldOf(text string, sep rune, i int) (field, rest string, ok bool) {
	if strings.Contains(text, `"`) && sep != ' ' {
		r := csv.NewReader(strings.NewReader(text))
		r.Comma, r.LazyQuotes, r.TrimLeadingSpace = sep, true, true
		fields, err := r.Read()
		if err != nil || i >= len(fields) {
			return "", "", false
		}
		return fields[i], fields[i], true
	}
	for ; ; i-- {
		end := -1
		if sep == ' ' {
			if text = strings.TrimLeft(text, " \t"); text == "" {
				return "", "", false
			}
			end = strings.IndexAny(text, " \t")
		} else {
			end = strings.IndexRune(text, sep)
		}
		if i == 0 {
			field = text
			if end >= 0 {
				field = text[:end]
			}
			return strings.TrimSpace(field), text, true
		}
		if end < 0 {
			return "", "", false
		}
		_, size := utf8.DecodeRuneInString(text[end:])
		text = text[end+size:]
	}
}
