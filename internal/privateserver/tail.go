package privateserver

import (
	"os"
	"strings"
)

// Tail is the end of a log file in one line, short enough for an error.
func Tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "its log is gone"
	}
	return LastLines(string(b))
}

// LastLines is the end of a log in one line, short enough for an error: a few of the
// lines that are not empty.
func LastLines(log string) string {
	const lines, size = 8, 2000
	var said []string
	for line := range strings.Lines(log) {
		if line = strings.TrimSpace(line); line != "" {
			said = append(said, line)
		}
	}
	said = said[max(0, len(said)-lines):]
	if len(said) == 0 {
		return "its log is empty"
	}
	s := strings.Join(said, " | ")
	return strings.ToValidUTF8(s[max(0, len(s)-size):], "")
}
