package compare

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// benchmarkText picks the lines of the benchmark format out of the output of a
// command, where log messages may have cut benchmark lines in two.
type benchmarkText struct {
	clean          bytes.Buffer
	failed, unread []string
	// open is the name of a benchmark whose figures have not come yet, and
	// rest what followed it on its line.
	open, rest string
}

// longestLine bounds a line; the reader of the benchmark format fails on longer
// ones.
const longestLine = 60_000

// figures are the iterations and figures at the end of a benchmark line. go test
// prints the name when a benchmark begins and this part when it ends.
var figures = regexp.MustCompile(`(?:^|[^0-9])([0-9]+)(\t *[0-9][0-9.eE+-]* [^\s]+)+\s*$`)

func (t *benchmarkText) read(output []byte) {
	for line := range strings.Lines(plainText(asUTF8(output))) {
		line = strings.TrimRight(line, "\r\n")
		if len(line) <= longestLine {
			t.line(line)
		}
	}
	t.finish()
}

func (t *benchmarkText) line(line string) {
	trimmed := strings.TrimSpace(line)
	name, rest, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
	switch {
	case strings.HasPrefix(trimmed, "--- FAIL: "), trimmed == "FAIL", strings.HasPrefix(line, "FAIL\t"):
		t.failed = append(t.failed, strings.Join(strings.Fields(trimmed), " "))
	case isBenchmark(name):
		t.finish()
		if hasFigures(rest) {
			t.clean.WriteString(line + "\n")
			return
		}
		t.open, t.rest = name, line[len(name):]
		if at := figures.FindStringSubmatchIndex(t.rest); at != nil {
			t.join(t.rest[at[2]:])
		}
	case t.open != "" && figures.MatchString(line):
		t.join(line[figures.FindStringSubmatchIndex(line)[2]:])
	default: // configuration, units, or anything else, which the reader ignores
		if !strings.HasPrefix(line, "Benchmark") {
			t.clean.WriteString(line + "\n")
		}
	}
}

// join puts the open name before its figures.
func (t *benchmarkText) join(rest string) {
	t.clean.WriteString(t.open + "\t" + rest + "\n")
	t.open = ""
}

// written is the nth of the lines that were picked, in words.
func (t *benchmarkText) written(n int) string {
	lines := strings.Split(t.clean.String(), "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return strings.Join(strings.Fields(lines[n-1]), " ")
}

// finish gives up on the figures of the open benchmark. A name alone is what
// go test -v prints, and nothing is missing then.
func (t *benchmarkText) finish() {
	if t.open != "" && t.rest != "" {
		t.unread = append(t.unread, strings.Join(strings.Fields(t.open+" "+t.rest), " "))
	}
	t.open = ""
}

// isBenchmark reports whether the word can be the name of a benchmark.
func isBenchmark(word string) bool {
	name, cut := strings.CutPrefix(word, "Benchmark")
	return cut && name != "" && !('a' <= name[0] && name[0] <= 'z')
}

// hasFigures reports whether the iterations and a figure come next.
func hasFigures(rest string) bool {
	f := strings.Fields(rest)
	if len(f) < 3 {
		return false
	}
	_, err := strconv.ParseUint(f[0], 10, 64)
	_, err2 := strconv.ParseFloat(f[1], 64)
	return err == nil && err2 == nil
}

// testEvent is one line of go test -json.
type testEvent struct {
	Action, Package, Output string
}

// event reads one; ok is false where the line is not an event.
func event(line string) (e testEvent, ok bool) {
	if !strings.HasPrefix(line, "{") {
		return e, false
	}
	err := json.Unmarshal([]byte(line), &e)
	return e, err == nil && e.Action != ""
}

// IsTestJSON reports whether the output is that of go test -json.
func IsTestJSON(output []byte) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(asUTF8(output)), "\n")
	_, ok := event(first)
	return ok
}

// plainText is the text that go test would have printed without -json: package
// after package, since events of several packages may alternate. Text that holds
// no events stays as it is.
func plainText(text string) string {
	var other strings.Builder
	packages := map[string]*strings.Builder{}
	for line := range strings.Lines(text) {
		e, ok := event(line)
		if !ok {
			other.WriteString(line)
			continue
		}
		if packages[e.Package] == nil {
			packages[e.Package] = &strings.Builder{}
			packages[e.Package].WriteString("pkg: " + e.Package + "\n")
		}
		packages[e.Package].WriteString(e.Output)
	}
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		other.WriteString("\n" + packages[name].String())
	}
	return other.String()
}

// asUTF8 is the output as text. PowerShell on Windows writes UTF-16 into files.
func asUTF8(output []byte) string {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(output, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(output, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return string(bytes.TrimPrefix(output, []byte("\xef\xbb\xbf")))
	}
	units := make([]uint16, 0, len(output)/2)
	for at := 2; at+1 < len(output); at += 2 {
		units = append(units, order.Uint16(output[at:]))
	}
	return string(utf16.Decode(units))
}
