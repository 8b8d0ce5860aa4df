package redisconn

import (
	"errors"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/resp"
)

func TestAServerThatQuotesArgumentsGivesNoPasswordAway(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"ERR unknown command 'AUTH', with args beginning with: 'geheim' ":                   "ERR unknown command 'AUTH'",
		"ERR unknown command `auth`, with args beginning with: `me`, `geheim`, ":            "ERR unknown command `auth`",
		"ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'me' 'ge'heim' ": "ERR unknown command 'HELLO'",
		"first, with args beginning with: 'geheim'\nsecond":                                 "first\nsecond",
		"ERR unknown command 'AUTH'":                                                        "ERR unknown command 'AUTH'",
	} {
		if got := (&Error{Op: "connect", Err: errors.New(said)}).Error(); got != "connect: "+want {
			t.Errorf("an Error with %q reads %q", said, got)
		}
	}
	rd := resp.Reader{Src: strings.NewReader("-ERR unknown command 'AUTH', with args beginning with: 'geheim' \r\n")}
	if _, err := rd.Integer(); err == nil || err.Error() != "ERR unknown command 'AUTH'" {
		t.Errorf("a reply reads %v", err)
	}
}
