package observe

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/queuedyno/queuedyno/internal/updates"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/result"
)

// maxQuoted is how many bytes of a text are shown.
const maxQuoted = 120

// OddOf describes a message that the form does not read. ours tells the ids of jobs that are on their way, which
// helps to guess; it may be nil.
func OddOf(form *updates.Mapping, message []byte, reason string, ours func(id []byte) bool) *result.Unrecognized {
	return &result.Unrecognized{Message: Excerpt(string(message)), Reason: reason, Mapping: form.Guess(message, ours)}
}

// UnknownStatus is the reason of a message with an unknown status.
func UnknownStatus(s jobqueue.Status) string {
	return "its status " + Excerpt(string(s)) + " is not RUNNING, COMPLETED or FAILED"
}

// EndsNothing reports whether an unknown status is plainly one of a
// job that has not ended, such as "started" or "progress".
func EndsNothing(s jobqueue.Status) bool {
	means, known := updates.Likely(s)
	return known && means != jobqueue.Completed && means != jobqueue.Failed
}

// Hint is what to do about a message that was not understood.
func Hint(u *result.Unrecognized) string {
	if u.Mapping != "" {
		return "if this is how your workers publish, add --update " + shellQuoted(u.Mapping)
	}
	return "say where your workers publish the job's id and status: --update 'id=.id,status=.state,completed=done,failed=error'"
}

// shellQuoted is a text as one word of a shell.
func shellQuoted(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// Excerpt is the beginning of a text, in quotes.
func Excerpt(text string) string {
	rest := ""
	if len(text) > maxQuoted {
		end := maxQuoted
		for end > maxQuoted-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text, rest = text[:end], "…"
	}
	// JSON is easier to read between back quotes.
	if strings.Contains(text, `"`) && strconv.CanBackquote(text) && !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return "`" + text + "`" + rest
	}
	return strconv.Quote(text) + rest
}
