package redisserver

import "strings"

// lastLines is the end of a log in one line: at most n of its lines that say
// something, and at most size bytes.
func lastLines(log string, n, size int) string {
	var said []string
	for line := range strings.Lines(log) {
		if line = strings.TrimSpace(line); line != "" {
			said = append(said, line)
		}
	}
	said = said[max(0, len(said)-n):]
	if len(said) == 0 {
		return "its log is empty"
	}
	s := strings.Join(said, " | ")
	return strings.ToValidUTF8(s[max(0, len(s)-size):], "")
}
