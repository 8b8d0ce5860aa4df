package jobqueue_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// A server that takes no writes is found out before the run, whichever of the
// commands that show it are withheld.
func TestAServerThatTakesNoWritesIsFoundOutWithoutSET(t *testing.T) {
	t.Parallel()
	host, port, _ := net.SplitHostPort(closedPort(t))
	replica := []string{"--replicaof", host + " " + port}
	full := []string{"--maxmemory", "1mb", "--maxmemory-policy", "noeviction"}
	for name, row := range map[string]struct {
		args     []string
		withheld []string
		design   jobqueue.Design
		want     string // in the error; "" for none
	}{
		"replica without SET":              {replica, []string{"SET"}, jobqueue.List, "READONLY"},
		"replica without SET and LPUSHX":   {replica, []string{"SET", "LPUSHX"}, jobqueue.ListPoll, "READONLY"},
		"replica without SET and DEL":      {replica, []string{"SET", "LPUSHX", "DEL"}, jobqueue.List, "READONLY"},
		"replica with a stream":            {replica, []string{"SET", "LPUSHX", "DEL"}, jobqueue.Stream, "READONLY"},
		"out of memory without SET":        {full, []string{"SET"}, jobqueue.List, "OOM"},
		"a good server without SET":        {nil, []string{"SET"}, jobqueue.List, ""},
		"a good server without any of it":  {nil, []string{"SET", "LPUSHX", "DEL"}, jobqueue.Stream, ""},
		"a good server without the others": {nil, []string{"LPUSHX", "DEL"}, jobqueue.ReliableList, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := row.args
			for _, one := range row.withheld {
				args = append(args[:len(args):len(args)], "--rename-command", one, "")
			}
			c := designAt(t, redistest.Process(t, args...).URL(), jobqueue.Config{Design: row.design, Visibility: time.Minute})
			if row.want == "OOM" {
				_ = c.Push(t.Context(), strings.Repeat("x", 1<<20)) // fills the memory, unless it was full
			}
			err := c.Check(t.Context(), 1)
			if row.want == "" {
				if err != nil {
					t.Errorf("Check = %v", err)
				}
				f, err := c.Inspect(t.Context())
				if said := strings.Join(f.Withheld, "\n"); err != nil || strings.Contains(said, "SET") {
					t.Errorf("Inspect says %q, %v; want nothing about writes, which were tried", said, err)
				}
				return
			}
			var e *redisconn.Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), row.want) || e.Hint() == "" {
				t.Errorf("Check = %v, want %s with a hint", err, row.want)
			}
		})
	}
}
