package redisserver

import (
	"strconv"
	"strings"
	"testing"
)

// FuzzReadReply is white-box: the parser of replies is not exported.
func FuzzReadReply(f *testing.F) {
	for _, seed := range []string{"+PONG\r\n", "-ERR no\r\n", "$3\r\nabc\r\n", "$-1\r\n", "$99999999999\r\n", "*1\r\n", "\r\n", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := readReply(answersOf(strings.NewReader(in)))
		if err != nil {
			if got != "" {
				t.Errorf("readReply(%q) = %q with the error %v", in, got, err)
			}
			return
		}
		if len(got) > maxAnswers || !strings.Contains(in, got) {
			t.Errorf("readReply(%q) = %q, which was not in it", in, got)
		}
		// What was read prints back to a reply that reads the same.
		bulk := "$" + strconv.Itoa(len(got)) + "\r\n" + got + "\r\n"
		if again, err := readReply(answersOf(strings.NewReader(bulk))); err != nil || again != got {
			t.Errorf("readReply(%q) = %q, %v, want %q", bulk, again, err, got)
		}
	})
}

func TestAReplyThatQuotesAPasswordIsCut(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"-ERR unknown command 'AUTH', with args beginning with: 's3cret' ":       "ERR unknown command 'AUTH'",
		"-ERR unknown command `auth`, with args beginning with: `u`, `s3cret`, ": "ERR unknown command `auth`",
		"-WRONGPASS invalid username-password pair or user is disabled.":         "WRONGPASS invalid username-password pair or user is disabled.",
	} {
		if _, err := readReply(answersOf(strings.NewReader(said + "\r\n"))); err == nil || err.Error() != want {
			t.Errorf("%s is read as %v, want %s", said, err, want)
		}
	}
}
