package redisconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/queuedyno/queuedyno/internal/resp"
)

// said is an error reply as go-redis returns it.
type said string

func (s said) Error() string { return string(s) }
func (said) RedisError()     {}

var _ redis.Error = said("")

func TestWhatIsGoneIsToldFromWhatIsRefusedHoweverItIsExplained(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		gone bool
	}{
		{nil, false},
		{said("LOADING Redis is loading the dataset in memory"), true},
		{said("MOVED 17 127.0.0.1:7001"), true},
		{said("NOPERM this user has no permissions"), false},
		{&resp.ReplyError{Text: "READONLY You can't write against a read only replica."}, true},
		{&resp.ReplyError{Text: "WRONGTYPE Operation against a key"}, false},
		{io.EOF, true},
		{syscall.ECONNREFUSED, true},
		{context.DeadlineExceeded, true},
		{context.Canceled, false},
		{ErrClosed, false},
	} {
		for how, err := range map[string]error{
			"plain": c.err, "explained": Explain("connect", "here", c.err), "wrapped": fmt.Errorf("open: %w", errors.Join(c.err)),
		} {
			if c.err == nil && how == "wrapped" {
				continue
			}
			if gone(err) != c.gone {
				t.Errorf("gone(%v), %s, is %t, want %t", err, how, !c.gone, c.gone)
			}
		}
	}
}
