package redisserver

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// setting is one line of a redis.conf.
type setting struct {
	name  string   // in lower case
	words []string // what follows it
	file  string   // that holds the line; "" for an argument
	raw   string   // the line as Redis reads it
}

// newSetting is the setting of the given words.
func newSetting(name string, words ...string) setting {
	raw := name
	for _, w := range words {
		raw += " " + quote(w)
	}
	return setting{name: strings.ToLower(name), words: words, raw: raw}
}

// argument is the setting as one argument of redis-server, which reads it like
// a line of a file.
func (s setting) argument() string { return "--" + s.raw }

// parseSetting reads one line of a redis.conf. It returns no name for a comment
// and for an empty line.
func parseSetting(line string) (setting, error) {
	line = strings.Trim(line, " \t\r\n")
	if line == "" || line[0] == '#' {
		return setting{}, nil
	}
	words, err := splitWords(line)
	if err != nil || len(words) == 0 {
		return setting{}, err
	}
	return setting{name: strings.ToLower(words[0]), words: words[1:], raw: line}, nil
}

// argumentLines are the lines of a redis.conf that redis-server makes of its
// arguments: one that begins with -- begins a line, and the others are its
// values.
func argumentLines(args []string) []string {
	var lines []string
	valued := true // the last line has a value: what begins with -- begins another
	for i, a := range args {
		name, isName := strings.CutPrefix(a, "--")
		if !isName || !valued {
			if len(lines) == 0 {
				lines = append(lines, "")
			}
			lines[len(lines)-1] += " " + quote(a)
			valued = true
			continue
		}
		words := strings.Fields(name)
		// One argument may hold a name and its values.
		valued = len(words) > 1
		if !valued && strings.EqualFold(name, "save") && (i+1 == len(args) || strings.HasPrefix(args[i+1], "--")) {
			name, valued = name+` ""`, true
		}
		lines = append(lines, strings.Split(name, "\n")...)
	}
	return lines
}

// argumentSettings reads arguments of redis-server.
func argumentSettings(args []string) ([]setting, error) {
	var all []setting
	for _, line := range argumentLines(args) {
		s, err := parseSetting(line)
		if err != nil {
			return nil, fmt.Errorf("a redis-server argument: %w", err)
		}
		if s.name != "" {
			all = append(all, s)
		}
	}
	return all, nil
}

var errQuotes = errors.New("its quotes are not closed, or something follows a quote without a space")

const space = " \t\n\r\v\f\x00"

var (
	// oneWord is a word and what ends it: text, and perhaps text in quotes at its end.
	oneWord = regexp.MustCompile(`(?s)^([^"'` + space + `]*)(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\+[^\\])*)')?(?:[` + space + `]|$)`)
	escaped = regexp.MustCompile(`(?s)\\(?:x[0-9a-fA-F]{2}|.)`)
)

// splitWords splits a line as Redis does: words in double quotes know the
// escapes \n \r \t \b \a \xHH, those in single quotes know \' alone.
func splitWords(line string) ([]string, error) {
	var words []string
	for line = strings.TrimLeft(line, space); line != ""; line = strings.TrimLeft(line, space) {
		m := oneWord.FindStringSubmatch(line)
		if m == nil {
			return nil, errQuotes
		}
		words = append(words, m[1]+escaped.ReplaceAllStringFunc(m[2], unescape)+strings.ReplaceAll(m[3], `\'`, `'`))
		line = line[len(m[0]):]
	}
	return words, nil
}

// unescape is what an escape in double quotes stands for.
func unescape(escape string) string {
	if v, err := strconv.ParseUint(escape[2:], 16, 8); err == nil {
		return string([]byte{byte(v)})
	}
	if at := strings.IndexByte("nrtba", escape[1]); at >= 0 {
		return "\n\r\t\b\a"[at : at+1]
	}
	return escape[1:]
}

// quote writes a word so that splitWords, and Redis, read it as it is.
func quote(word string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(word) {
		switch c := word[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
