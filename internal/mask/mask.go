// Package mask keeps secrets out of messages: [Text] out of a message of ours,
// [Everywhere] out of what another server says, [URL] and [Address] out of a URL that
// may be malformed.
package mask

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// masked stands in place of a secret.
const masked = "***"

// Text replaces the secrets in a text where they stand as secrets: after the
// name of a setting that holds one, and in the user part of a URL, whatever they
// are. Everywhere else it replaces them as whole words, unless the secret is so
// short or so common that the text may contain it as a word. The name
// "redis-server" stays what it is where the password is redis.
func Text(text string, secrets ...string) string {
	for _, s := range secrets {
		if s != "" && strings.Contains(text, s) {
			text = maskWhereSaid(text, s)
			text = maskWords(text, s)
		}
	}
	return text
}

// maskWhereSaid masks a secret after a word that says that one follows.
func maskWhereSaid(text, secret string) string {
	said := regexp.MustCompile(`(?i)((?:pass\w*|pwd|\w*auth\w*|secret|token|credentials?)["'` + "`" + `]?(?:\s*[:=,]\s*|\s+(?:is|was)\s+|\s+)["'` + "`" + `>]*|://[^\s/@]*:|[\s"'` + "`" + `][><])` +
		`(` + regexp.QuoteMeta(secret) + `)`)
	var b strings.Builder
	from := 0
	for _, m := range said.FindAllStringSubmatchIndex(text, -1) {
		if text[m[4]:m[5]] != secret || wordGoesOn(text[m[5]:]) && isWordEnd(secret) {
			continue
		}
		if strings.HasPrefix(text[m[2]:m[3]], "://") && !strings.HasPrefix(text[m[5]:], "@") {
			continue // a host or a port
		}
		b.WriteString(text[from:m[4]] + masked)
		from = m[5]
	}
	return b.String() + text[from:]
}

// maskWords masks a secret that no text has by chance where it is a whole word.
func maskWords(text, secret string) string {
	if tooCommon(secret) {
		return text
	}
	var b strings.Builder
	for {
		at := strings.Index(text, secret)
		if at < 0 {
			return b.String() + text
		}
		end := at + len(secret)
		if unmistakable(secret) || !(isWordStart(secret) && wordEnds(b.String()+text[:at])) && !(isWordEnd(secret) && wordGoesOn(text[end:])) {
			b.WriteString(text[:at] + masked)
		} else {
			b.WriteString(text[:end])
		}
		text = text[end:]
	}
}

// commonWords are letters that passwords are made of and that messages use.
var commonWords = []string{
	"redis", "valkey", "server", "password", "passwd", "secret", "default", "localhost", "sentinel", "cluster", "master",
	"replica", "postgres", "postgresql", "database", "queuedyno", "worker", "production", "staging", "testing", "client", "connection", "connect", "process",
}

// tooCommon is whether a secret may be a word of any message: it is short, or one
// of the words that messages about Redis use.
func tooCommon(secret string) bool {
	letters := strings.IndexFunc(secret, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
	if digits := strings.Trim(secret, "0123456789") == ""; digits || letters {
		if utf8.RuneCountInString(secret) < 6 {
			return true
		}
	}
	for _, w := range commonWords {
		if strings.EqualFold(w, secret) {
			return true
		}
	}
	return utf8.RuneCountInString(secret) < 4
}

// unmistakable is whether a secret is no part of a word by chance: it is long,
// and letters are not all that it has.
func unmistakable(secret string) bool {
	return utf8.RuneCountInString(secret) >= 7 && strings.IndexFunc(secret, unicode.IsLetter) >= 0 &&
		strings.IndexFunc(secret, func(r rune) bool { return !unicode.IsLetter(r) }) >= 0
}

func isWordStart(s string) bool { r, _ := utf8.DecodeRuneInString(s); return inWord(r) }
func isWordEnd(s string) bool   { r, _ := utf8.DecodeLastRuneInString(s); return inWord(r) }

// wordGoesOn is whether a text begins inside of a word: with a letter, or with a
// dash or a dot before one, as in the name of a host.
func wordGoesOn(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	if r == '-' || r == '.' {
		r, _ = utf8.DecodeRuneInString(s[n:])
	}
	return inWord(r)
}

// wordEnds is whether a text ends inside of a word.
func wordEnds(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	if r == '-' || r == '.' {
		r, _ = utf8.DecodeLastRuneInString(s[:len(s)-n])
	}
	return inWord(r)
}

func inWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_')
}
