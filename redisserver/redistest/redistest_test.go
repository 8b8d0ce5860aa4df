package redistest_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/queuedyno/queuedyno/redisserver"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// recorder is a test that notes how it was ended.
type recorder struct {
	testing.TB
	ended string
}

func (r *recorder) Helper() {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.ended = "fail: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}
func (r *recorder) Skipf(format string, args ...any) {
	r.ended = "skip: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// It cannot be parallel: it sets the environment.
func TestMissingSkipsUnlessRequired(t *testing.T) {
	const why = "redis-server not found"
	for _, row := range []struct{ require, want string }{
		{"", "skip: needs redis: " + why},
		{"docker", "skip: needs redis: " + why},
		{"redis-cluster", "skip: needs redis: " + why},
		{"redis", "fail: redis is required by QUEUEDYNO_REQUIRE: " + why},
		{"docker, redis", "fail: redis is required by QUEUEDYNO_REQUIRE: " + why},
	} {
		t.Setenv("QUEUEDYNO_REQUIRE", row.require)
		r := &recorder{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			redistest.Missing(r, "redis", errors.New(why))
		}()
		<-done
		if r.ended != row.want {
			t.Errorf("QUEUEDYNO_REQUIRE=%q: ended with %q, want %q", row.require, r.ended, row.want)
		}
	}
}

func TestServersEndWithTheirTest(t *testing.T) {
	t.Parallel()
	var first *redisserver.Server
	t.Run("inner", func(t *testing.T) {
		first = redistest.Embedded(t)
		if first.Kind() != redisserver.Embedded {
			t.Errorf("Kind() = %q, want embedded", first.Kind())
		}
	})
	if err := reach(first); err == nil {
		t.Error("the server still accepts connections after its test")
	}
}
