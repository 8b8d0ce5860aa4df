package pace

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ReplayOptions say how [ReadReplay] reads. The zero value finds the times, and
// keeps the speed at which they were recorded.
type ReplayOptions struct {
	// Column holds the times: its name in the header line, its number from 1,
	// or a key of JSON such as "data.time". When it is empty the times are found.
	Column string
	// Unit is what numbers count: s, ms, us or ns. When it is empty it follows from
	// their size.
	Unit string
	// Speed is by how much faster than recorded the load goes: 2 takes half of
	// the time. 0 means 1.
	Speed float64
	// Separator stands between columns; a space means any number of spaces and
	// tabs. 0 means that it is found.
	Separator rune
	// Spread lays the jobs of one time stamp out evenly over the resolution of
	// the stamps: whole-second stamps then do not make bursts. Which of them
	// came first within the second is not known.
	Spread bool
}

// Bounds of what is read.
const (
	maxReplay   = 100_000_000 // jobs
	longestLine = 1 << 20     // bytes
)

// ReadReplay reads when jobs came: one a line, in a log, a CSV file or lines of
// JSON. Without a column it takes the time at the beginning of a line, else the
// date within it, else the column that the header names like a time. It knows
// the CSV files of k6, of which it takes the rows of http_reqs or else of
// iterations, of vegeta and of JMeter.
//
// A number less than 100 million is seconds since the start of the load. A larger
// one is a time since 1970 in the unit that its size allows, from seconds to
// nanoseconds. Dates are read in the layouts of RFC 3339 and its relatives, of
// nginx, Redis, RFC 1123 and syslog; those without a time zone count as UTC. All
// lines have the same kind of time. Except with times since the start, the
// earliest is when the load starts. Brackets and quotes around a time are left
// out, and so are empty lines, those that begin with # and a header.
//
// A file has at most 100 million jobs. Times in disorder are sorted, which [Replay.Unsorted] tells. The error has one
// line for each kind of problem, with the first line that has it.
func ReadReplay(r io.Reader, o ReplayOptions) (*Replay, error) {
	o.Speed = cmp.Or(o.Speed, 1)
	if !(o.Speed > 0) || math.IsInf(o.Speed, 0) {
		return nil, fmt.Errorf("replay speed %v: a speed is a number greater than zero; 2 is twice as fast", o.Speed)
	}
	if o.Unit != "" {
		var err error
		if o.Unit, err = ParseUnit(o.Unit); err != nil {
			return nil, fmt.Errorf("replay unit: %w", err)
		}
	}
	rr := &replayReader{o: o, number: -1, metric: -1, problems: problems{}}
	if n, err := strconv.Atoi(o.Column); err == nil {
		if n < 1 {
			return nil, fmt.Errorf("replay column %d: columns count from 1", n)
		}
		rr.number = n - 1
	}
	if err := rr.read(r); err != nil {
		return nil, err
	}
	return rr.replay()
}

// replayReader is a replay that is being read.
type replayReader struct {
	o      ReplayOptions
	line   int
	number int // of the column, from 0; -1 where it is not given by number

	layout layout
	key    string   // of JSON that holds the times
	header []string // the names of the columns, nil without a header
	// headerLine is the line that holds them.
	headerLine string
	column     int // that holds the times, from 0
	metric     int // the column of the metric in a file of k6, else -1

	clock    clock
	times    []time.Duration
	rows     map[string][]time.Duration // of k6, by metric
	metrics  []string                   // that were left out
	problems problems
}

// errEnough ends the reading of a file of which nothing else need be read.
var errEnough = errors.New("enough")

func (rr *replayReader) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), longestLine)
	for lines.Scan() {
		rr.line++
		text := lines.Text()
		if rr.line == 1 {
			if what, hint := notLines(text); what != "" {
				return fmt.Errorf("%s; %s", what, hint)
			}
		}
		text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
		// Files that were put together repeat the byte order mark and the header.
		if text == "" || text[0] == '#' || text == rr.headerLine {
			continue
		}
		if err := rr.take(text); err != nil {
			break
		}
	}
	rr.line++
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		rr.problems.add(rr.line, "long", fmt.Sprintf("longer than %d bytes", longestLine), "write one job a line")
	case err != nil:
		return fmt.Errorf("line %d: read: %w", rr.line, err)
	}
	return rr.problems.err()
}

// notLines says of the first line of a file that is not text what it is instead.
func notLines(text string) (what, hint string) {
	switch {
	case strings.HasPrefix(text, "\x1f\x8b"):
		return "the file is compressed", "unpack it with gunzip"
	case strings.HasPrefix(text, "PK\x03\x04"):
		return "the file is a zip archive or a spreadsheet", "save it as CSV"
	case strings.HasPrefix(text, "\xff\xfe"), strings.HasPrefix(text, "\xfe\xff"):
		return "the file is UTF-16", "convert it with iconv -f UTF-16 -t UTF-8"
	case strings.ContainsRune(text, 0):
		return "the file is binary", "convert it to lines of text (results of vegeta: vegeta encode --to csv)"
	case strings.HasPrefix(strings.TrimSpace(text), "<"):
		return "the file is XML", "save it as CSV (JMeter: -Jjmeter.save.saveservice.output_format=csv)"
	}
	return "", ""
}

// take reads one line that counts.
func (rr *replayReader) take(text string) error {
	if rr.layout == undecided {
		header, err := rr.decide(text)
		if header {
			rr.headerLine = text
		}
		if header || err != nil {
			return err
		}
	}
	f := rr.find(text)
	switch {
	case f.skip:
		return nil
	case f.what != "":
		rr.problems.add(rr.line, f.kind, f.what, rr.remedy(f.kind))
		return nil
	case rr.clock == "":
		rr.clock = f.clock
	case rr.clock != f.clock:
		rr.problems.add(rr.line, "mixed "+string(f.clock), fmt.Sprintf("has %s where lines before it have %s", f.clock, rr.clock), "write all alike")
		return nil
	}
	if len(rr.times) == maxReplay {
		rr.problems.add(rr.line, "many", fmt.Sprintf("more than %d jobs", maxReplay), "cut the file")
		return errEnough
	}
	if f.metric != "" {
		rr.rows[f.metric] = append(rr.rows[f.metric], f.t)
		return nil
	}
	rr.times = append(rr.times, f.t)
	return nil
}

// remedy is the hint for problems of a kind.
func (rr *replayReader) remedy(kind string) string {
	switch kind {
	case notTime, noTimeIn, noField:
		if rr.o.Column == "" {
			return "name the column with --replay-column (column in a file), or remove such lines; " + examples
		}
		return "name another column, or remove such lines; " + examples
	case negative, tooLate, noDate, hasExponent, noUnit:
		return "" // says it itself
	}
	return examples
}

const examples = "times are seconds since the start such as 0.25, Unix times such as 1706702400.25, or dates such as 2024-01-31T12:00:00.250Z"

// replay is what was read, in order, from its start and at a speed.
func (rr *replayReader) replay() (*Replay, error) {
	source := rr.source()
	if rr.rows != nil {
		var metric string
		for _, metric = range k6Metrics {
			if rr.times = rr.rows[metric]; len(rr.times) > 0 {
				break
			}
		}
		if len(rr.times) == 0 {
			return nil, fmt.Errorf("this is a file of k6 without rows of %s; it has %s", strings.Join(k6Metrics, " or "), excerpt(strings.Join(rr.metrics, ", ")))
		}
		source += ", rows of " + metric
	}
	times := rr.times
	if len(times) == 0 {
		return nil, errors.New("no times: a replay has one job a line")
	}
	unsorted := 0
	for i := 1; i < len(times); i++ {
		if times[i] < times[i-1] {
			unsorted++
		}
	}
	if unsorted > 0 {
		slices.Sort(times)
	}
	if err := rr.ambiguous(times); err != nil {
		return nil, err
	}
	r := &Replay{Times: times, Unsorted: unsorted, Source: source, Resolution: resolution(times), Spread: rr.o.Spread}
	if rr.clock.absolute() {
		start := times[0]
		for i := range times {
			times[i] -= start
		}
	}
	if rr.o.Spread {
		spread(times, r.Resolution)
	}
	if speed := rr.o.Speed; speed != 1 {
		for i, t := range times {
			times[i] = time.Duration(min(float64(t)/speed, float64(maxLength+time.Second)))
		}
	}
	if times[len(times)-1] > maxLength {
		return nil, errors.New("the times take longer than 366 days; raise the speed or cut the file")
	}
	return r, nil
}

// ambiguous says of dates that lack a part why it cannot be guessed.
func (rr *replayReader) ambiguous(times []time.Duration) error {
	first, last := times[0], times[len(times)-1]
	leap := time.Date(2000, 2, 29, 0, 0, 0, 0, time.UTC)
	day := time.Duration(leap.UnixNano())
	switch {
	case rr.clock == dateless && last-first > 12*time.Hour:
		return errors.New("times of day without a date that are more than 12 hours apart may have passed midnight; write the dates")
	case rr.clock == yearless && last-first > 183*24*time.Hour:
		return errors.New("dates without a year that are more than half a year apart may have passed a new year; write the years")
	case rr.clock == yearless && first < day && last >= day+24*time.Hour:
		if at, _ := slices.BinarySearch(times, day); times[at] >= day+24*time.Hour {
			return errors.New("dates without a year that pass the end of February may be of a leap year; write the years")
		}
	}
	return nil
}
