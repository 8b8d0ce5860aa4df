package redisserver

import (
	"errors"
	"fmt"
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

// splitWords splits a line as Redis does: words in double quotes know the
// escapes \n \r \t \b \a \xHH, those in single quotes know \' alone.
func splitWords(line string) ([]string, error) {
	const space = " \t\n\r\v\f\x00"
	var words []string
	for i := 0; ; {
		for i < len(line) && strings.IndexByte(space, line[i]) >= 0 {
			i++
		}
		if i == len(line) {
			return words, nil
		}
		var word []byte
		var inside byte // the quote that is open
		for ; i < len(line); i++ {
			c := line[i]
			if inside == 0 {
				if strings.IndexByte(space, c) >= 0 {
					break
				}
				if c == '"' || c == '\'' {
					inside = c
				} else {
					word = append(word, c)
				}
				continue
			}
			switch {
			case c == inside:
				if i+1 < len(line) && strings.IndexByte(space, line[i+1]) < 0 {
					return nil, errQuotes
				}
				inside = 0
			case inside == '"' && c == '\\' && i+1 < len(line):
				b, n := unescape(line[i+1:])
				word, i = append(word, b), i+n
			case inside == '\'' && c == '\\' && i+1 < len(line) && line[i+1] == '\'':
				i++
				word = append(word, '\'')
			default:
				word = append(word, c)
			}
		}
		if inside != 0 {
			return nil, errQuotes
		}
		words = append(words, string(word))
	}
}

// unescape is what follows a backslash in double quotes, and how many bytes that takes.
func unescape(text string) (b byte, n int) {
	if hex, ok := strings.CutPrefix(text, "x"); ok && len(hex) >= 2 {
		if v, err := strconv.ParseUint(hex[:2], 16, 8); err == nil {
			return byte(v), 3
		}
	}
	if at := strings.IndexByte("nrtba", text[0]); at >= 0 {
		return "\n\r\t\b\a"[at], 1
	}
	return text[0], 1
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
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
