package workergroup

import (
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

const (
	// mostOutput is how large the file may grow before it is emptied.
	mostOutput = 16 << 20
	// mostKept and mostLines bound what an error quotes of it.
	mostKept, mostLines = 8 << 10, 20
)

// output is the file that a group writes to.
type output struct {
	mu   sync.Mutex
	file *os.File // at whose end everybody writes, wherever that is
	name string   // empty once it has none
	kept string   // its end as it was when it was emptied or closed
}

func newOutput() (*output, error) {
	made, err := os.CreateTemp("", "queuedyno-worker-*.log")
	if err != nil {
		return nil, err
	}
	// Who appends goes on at the new end of a file that was emptied.
	file, err := os.OpenFile(made.Name(), os.O_RDWR|os.O_APPEND, 0)
	if err = errors.Join(err, made.Close()); err != nil {
		return nil, errors.Join(err, os.Remove(made.Name()))
	}
	o := &output{file: file, name: made.Name()}
	o.remove()
	return o, nil
}

// remove takes the file's name away, so that nothing is left of it whatever
// happens. Not every system lets us while it is open.
func (o *output) remove() {
	if o.name != "" && os.Remove(o.name) == nil {
		o.name = ""
	}
}

// trim empties a file that has grown too large, and remembers its end.
func (o *output) trim() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if info, err := o.file.Stat(); err == nil && info.Size() > mostOutput {
		o.kept = o.tail()
		_ = o.file.Truncate(0) // it is then tried again in a second
	}
}

// tail is the end of what was written.
func (o *output) tail() string {
	info, err := o.file.Stat()
	if err != nil {
		return o.kept
	}
	size := min(info.Size(), mostKept)
	text := make([]byte, size)
	n, err := o.file.ReadAt(text, info.Size()-size)
	if err != nil && !errors.Is(err, io.EOF) {
		return o.kept
	}
	all := o.kept + string(text[:n])
	return all[max(0, len(all)-mostKept):]
}

// last are the lines written last, as text: without what moves the cursor of a
// terminal, colours it or sets its title.
func (o *output) last() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var lines []string
	for line := range strings.Lines(strings.ToValidUTF8(o.tail(), "\uFFFD")) {
		if line = strings.TrimRight(printable(line), " \t"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-mostLines):]
}

// close lets go of the file. What was written last is still known.
func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = o.tail()
	o.file.Close()
	o.remove()
}

// escapes are the sequences that terminals take for commands: CSI such as colours,
// OSC such as titles, and those of one letter.
var escapes = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\x1b[\\]PX^_]|[\u0090\u0098\u009d\u009e\u009f])[^\x07\x1b\u009c]*(?:\x07|\x1b\\\\|\u009c)?|\x1b[ -/]*[0-~]?")

// printable is a line as a terminal would leave it: what a carriage return let
// be written over is gone, and no control character is left but the tab.
func printable(line string) string {
	line = strings.TrimRight(escapes.ReplaceAllString(line, ""), "\r\n")
	line = line[strings.LastIndexByte(line, '\r')+1:]
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\uFFFD' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, line)
}
