package pace

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ReplayOptions say how [ReadReplay] reads. The zero value reads the first
// column at the speed at which it was recorded.
type ReplayOptions struct {
	// Column holds the times: its name in the header line, or its number from
	// 1. Empty means 1.
	Column string
	// Speed is by how much faster than recorded the load goes: 2 takes half of
	// the time. 0 means 1.
	Speed float64
	// Separator stands between columns; a space means any number of spaces and
	// tabs. 0 means the first of tab, comma, semicolon and space that the
	// first line holds.
	Separator rune
}

// Bounds of what [ReadReplay] reads.
const (
	MaxReplay    = 100_000_000 // jobs
	longestLine  = 1 << 20     // bytes
	replayFaults = 20          // that are told
	leastUnix    = 1e8         // seconds: 1973, and more than [MaxLength]
	mostUnix     = 9e9         // seconds: 2255, just before nanoseconds since 1970 overflow
)

// clock is what the times of a replay count from.
type clock string

const (
	sinceStart clock = "a number of seconds since the beginning"
	sinceEpoch clock = "a number of seconds since 1970"
	timeOfDay  clock = "an RFC 3339 time"
)

// ReadReplay reads when jobs came: one a line, in a column of a CSV file or of
// a log. All lines write the time alike, as seconds since the beginning (0.25),
// as Unix seconds (1700000000.25) or as an RFC 3339 time
// (2024-01-31T12:00:00.25Z); the latter two count from the earliest of them.
// Brackets and quotes around a time are left out.
//
// Empty lines and those that begin with # are skipped, and so is the first line
// when it is a header: when the column is named, or what stands there does not
// begin with a digit. Quoted fields may hold the separator but no line break.
//
// Times in disorder are sorted, which [Replay.Unsorted] tells. Up to 20 faults
// are reported at once, each with its line.
func ReadReplay(r io.Reader, o ReplayOptions) (*Replay, error) {
	rr := replayReader{column: -1, separator: o.Separator}
	if o.Speed == 0 {
		o.Speed = 1
	}
	if !(o.Speed > 0) || math.IsInf(o.Speed, 0) {
		return nil, fmt.Errorf("replay speed %v: a speed is a number greater than zero; 2 is twice as fast", o.Speed)
	}
	if o.Column == "" {
		o.Column = "1"
	}
	if n, err := strconv.Atoi(o.Column); err == nil {
		if n < 1 {
			return nil, fmt.Errorf("replay column %d: columns count from 1", n)
		}
		rr.column = n - 1
	} else {
		rr.name = o.Column
	}
	rr.read(r)
	if len(rr.faults) > 0 {
		return nil, errors.Join(rr.faults...)
	}
	return rr.replay(o.Speed)
}

// replayReader is a replay that is being read.
type replayReader struct {
	name      string // of the column, when it was not given by number
	column    int    // from 0; -1 until the header is found
	separator rune
	line      int
	started   bool // a line that counts was read
	clock     clock
	times     []time.Duration // for sinceEpoch and timeOfDay, since 1970
	unsorted  int
	faults    []error
}

// fail tells a fault of the current line. It reports whether to go on.
func (rr *replayReader) fail(format string, args ...any) bool {
	rr.faults = append(rr.faults, fmt.Errorf("line %d: "+format, append([]any{rr.line}, args...)...))
	if len(rr.faults) == replayFaults {
		rr.faults = append(rr.faults, fmt.Errorf("line %d: there may be more faults: only the first %d are told", rr.line, replayFaults))
		return false
	}
	return true
}

func (rr *replayReader) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), longestLine)
	for lines.Scan() {
		rr.line++
		text := strings.TrimSpace(lines.Text())
		if rr.line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if text == "" || text[0] == '#' {
			continue
		}
		if !rr.take(text) {
			return
		}
	}
	rr.line++
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		rr.fail("longer than %d bytes; a replay has one job a line", longestLine)
	case err != nil:
		rr.fail("read: %w", err)
	}
}

// take reads one line that counts and reports whether to go on.
func (rr *replayReader) take(text string) bool {
	first := !rr.started
	rr.started = true
	if rr.separator == 0 {
		rr.separator = separatorOf(text)
	}
	if rr.column < 0 {
		return rr.header(text)
	}
	field, ok := rr.field(text, rr.column)
	if !ok {
		return rr.fail("no column %d in %s; name another column or separator", rr.column+1, excerpt(text))
	}
	field = strings.Trim(field, ` "'[]()`)
	if first && (field == "" || !isDigit(field[0]) && field[0] != '-' && field[0] != '.') {
		return true // a header
	}
	t, clock, why := readMoment(field)
	switch {
	case why != "":
		return rr.fail("%s: %s; write seconds such as 0.25, Unix seconds or RFC 3339 such as 2024-01-31T12:00:00Z", excerpt(field), why)
	case rr.clock == "":
		rr.clock = clock
	case rr.clock != clock:
		return rr.fail("%s is %s, but the first time is %s; write all alike", excerpt(field), clock, rr.clock)
	}
	if len(rr.times) == MaxReplay {
		rr.fail("more than %d jobs; cut the file", MaxReplay)
		return false
	}
	if n := len(rr.times); n > 0 && t < rr.times[n-1] {
		rr.unsorted++
	}
	rr.times = append(rr.times, t)
	return true
}

// header looks for the named column.
func (rr *replayReader) header(text string) bool {
	var names []string
	for i := 0; ; i++ {
		field, ok := rr.field(text, i)
		if !ok {
			break
		}
		field = strings.TrimSpace(strings.Trim(field, ` "'`))
		if strings.EqualFold(field, rr.name) {
			rr.column = i
			return true
		}
		names = append(names, field)
	}
	rr.fail("no column %q in the header; it has %s", rr.name, excerpt(strings.Join(names, ", ")))
	return false
}

// field is the i-th field of a line, from 0.
func (rr *replayReader) field(text string, i int) (string, bool) {
	if strings.Contains(text, `"`) && rr.separator != ' ' {
		r := csv.NewReader(strings.NewReader(text))
		r.Comma, r.LazyQuotes, r.TrimLeadingSpace = rr.separator, true, true
		fields, err := r.Read()
		if err != nil || i >= len(fields) {
			return "", false
		}
		return fields[i], true
	}
	for ; ; i-- {
		end := -1
		if rr.separator == ' ' {
			text = strings.TrimLeft(text, " \t")
			end = strings.IndexAny(text, " \t")
		} else {
			end = strings.IndexRune(text, rr.separator)
		}
		if i == 0 {
			if end >= 0 {
				text = text[:end]
			}
			return strings.TrimSpace(text), true
		}
		if end < 0 {
			return "", false
		}
		_, size := runeAt(text, end)
		text = text[end+size:]
	}
}

// replay is what was read, in order, from its beginning and at a speed.
func (rr *replayReader) replay(speed float64) (*Replay, error) {
	if len(rr.times) == 0 {
		return nil, errors.New("no times: a replay has one job a line")
	}
	if rr.unsorted > 0 {
		slices.Sort(rr.times)
	}
	var start time.Duration
	if rr.clock != sinceStart {
		start = rr.times[0]
	}
	for i, t := range rr.times {
		t -= start
		if speed != 1 {
			t = time.Duration(min(float64(t)/speed, float64(MaxLength+time.Second)))
		}
		rr.times[i] = t
	}
	if last := rr.times[len(rr.times)-1]; last > MaxLength {
		return nil, errors.New("the times take longer than 366 days; raise the speed or cut the file")
	}
	return &Replay{Times: rr.times, Unsorted: rr.unsorted}, nil
}
