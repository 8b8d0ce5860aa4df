package fleet

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/queuedyno/queuedyno/internal/jsonscan"
)

// podLog is what one pod has logged. It goes into a file; lines that are not part of a
// result are also given to line. It is used by one goroutine.
type podLog struct {
	file *os.File
	out  *bufio.Writer
	line func(string)

	result  jsonscan.Boundary
	text    []byte // of the line, outside of a result
	began   bool   // the line has bytes, or belongs to a result
	lines   int    // that were complete
	skip    int    // lines that were given to line before, by an earlier stream
	results int    // that were complete
	last    []string
}

const (
	// maxLine bounds a line of a log outside of results, maxLast how many are kept.
	maxLine = 4 << 10
	maxLast = 3
)

func newPodLog(path string, line func(string)) (*podLog, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("keep the log of a pod: %w", err)
	}
	return &podLog{file: f, out: bufio.NewWriter(f), line: line}, nil
}

// again begins a further stream of the same log, which starts with its first line.
func (l *podLog) again() error {
	l.out.Reset(l.file)
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.Seek(0, io.SeekStart)
	*l = podLog{file: l.file, out: l.out, line: l.line, skip: max(l.skip, l.lines), last: l.last}
	return err
}

func (l *podLog) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if !l.result.Inside() {
			l.add(rest[0])
			rest = rest[1:]
			continue
		}
		rest = rest[l.result.Take(rest, nil):]
		if !l.result.Inside() {
			l.results++
		}
	}
	return l.out.Write(p)
}

// add reads a byte outside of a result.
func (l *podLog) add(c byte) {
	switch {
	case c == '\n':
		if line := strings.TrimRight(string(l.text), "\r"); line != "" {
			l.said(line)
		}
		l.text, l.began = l.text[:0], false
	case c == '{' && !l.began:
		l.result, l.began = jsonscan.Begun(), true
	case len(l.text) < maxLine:
		l.text, l.began = append(l.text, c), true
	}
}

func (l *podLog) said(line string) {
	l.lines++
	if l.last = append(l.last, line); len(l.last) > maxLast {
		l.last = l.last[1:]
	}
	if l.lines > l.skip {
		l.line(line)
	}
}

// close completes the file.
func (l *podLog) close() error {
	err := l.out.Flush()
	if closed := l.file.Close(); err == nil {
		err = closed
	}
	return err
}

// Silence says in words why the shard has no result.
func (l Log) Silence() string {
	what := fmt.Sprintf("shard %d (%s) left no result", l.Shard, l.Pod)
	if l.Why != "" {
		what += ": " + l.Why
	}
	for _, line := range l.Last {
		what += "; " + strings.TrimPrefix(line, "queuedyno: ")
	}
	return what
}
