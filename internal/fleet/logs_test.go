//go:build unix

package fleet_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/fleet"
)

func TestTheLogsOfAllShardsComeBackAndNothingIsLeft(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.file(t, "objects", objects(true, ended(1, 0), ended(0, 0)))
	c.file(t, "pod-0.log", "one\n{\n  \"a\": \"result of 0: \\\"}\\\" {\"\n}\ntwo\n")
	c.file(t, "pod-1.log", "{\"a\": {\"b\": \"result of 1\"}}\r\nthree\n")
	logs, err := fleet.Run(t.Context(), c.o)
	if err != nil {
		t.Fatal(err)
	}
	if got := results(t, logs); !slices.Equal(got, []int{1, 1}) || logs[0].Shard != 0 || logs[1].Pod != "pod-1" {
		t.Errorf("logs %+v", logs)
	}
	if diff := cmp.Diff(map[int][]string{0: {"one", "two"}, 1: {"three"}}, c.lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	c.removed(t)
}

// TestAStreamThatBreaksOffIsReadAgain: also when it broke off in the middle of a result, and
// no line is shown twice.
func TestAStreamThatBreaksOffIsReadAgain(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.file(t, "objects", objects(true, ended(0, 0)))
	c.file(t, "pod-0.0.log", "one\ntwo\n{\"a\": \"resu")
	c.file(t, "pod-0.log", "one\ntwo\n{\"a\": \"result of 0\"}\nthree\n")
	c.o.Manifest.Shards = 1
	logs, err := fleet.Run(t.Context(), c.o)
	if err != nil {
		t.Fatal(err)
	}
	if got := results(t, logs); !slices.Equal(got, []int{1}) {
		t.Errorf("logs %+v", logs)
	}
	if diff := cmp.Diff([]string{"one", "two", "three"}, c.lines[0]); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// TestALogThatCannotBeReadIsReadLater: only then is the Job removed.
func TestALogThatCannotBeReadIsReadLater(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.file(t, "objects", objects(true, ended(0, 0), ended(1, 0)))
	c.file(t, "unreadable", "4") // as often as that
	c.file(t, "pod-0.log", "{\"a\": \"result of 0\"}\n")
	c.file(t, "pod-1.log", "{\"a\": \"result of 1\"}\n")
	logs, err := fleet.Run(t.Context(), c.o)
	if err != nil {
		t.Fatal(err)
	}
	if got := results(t, logs); !slices.Equal(got, []int{1, 1}) {
		t.Errorf("logs %+v", logs)
	}
	c.removed(t)
}

// TestLogsThatCannotBeReadAreNotRemoved: the results are in them. A pod that is gone has none.
func TestLogsThatCannotBeReadAreNotRemoved(t *testing.T) {
	t.Parallel()
	for name, there := range map[string]bool{"the pods are there": true, "they are gone": false, "it is not known": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.o.Patience = 300 * time.Millisecond
			c.file(t, "unreadable", "1000000")
			c.file(t, "objects", objects(true, ended(0, 0), ended(1, 0)))
			switch name {
			case "they are gone":
				c.o.Patience = 5 * time.Second // within which a log is asked for at least once
				c.file(t, "after-logs", objects(true))
			case "it is not known":
				c.file(t, "then-unreachable", "")
			}
			logs, err := fleet.Run(t.Context(), c.o)
			unread := new(fleet.UnreadError)
			if got := errors.As(err, &unread); got != there || len(logs) != 2 || logs[0].Results != 0 {
				t.Fatalf("logs %+v, error %v", logs, err)
			}
			if !there {
				c.removed(t)
				return
			}
			if diff := cmp.Diff([]int{0, 1}, unread.Shards); diff != "" || !strings.Contains(err.Error(), "could not be read") {
				t.Errorf("%v; shards (-want +got):\n%s", err, diff)
			}
			if hint := unread.Hint(); !strings.Contains(hint, "kubectl --context test --namespace load logs pod-0 > pod-0.log") || !strings.Contains(hint, "kubectl --context test --namespace load delete job,configmap --selector=") {
				t.Errorf("hint %q", hint)
			}
			if calls := c.calls(t, "delete"); len(calls) > 0 {
				t.Errorf("removed by %q", calls)
			}
		})
	}
}

func TestAShardWithoutAResultSaysWhy(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.file(t, "objects", objects(true, ended(0, 0), ended(1, 137)))
	c.file(t, "pod-0.log", "{\"a\": \"result of 0\"}\n")
	c.file(t, "pod-1.log", "a\nb\nc\nd\n{\"a\"")
	logs, err := fleet.Run(t.Context(), c.o)
	if err != nil {
		t.Fatal(err)
	}
	if len(logs) != 2 || logs[1].Results != 0 || logs[1].Why != "exit code 137" || logs[1].Last[len(logs[1].Last)-1] != "d" {
		t.Errorf("logs %+v", logs)
	}
	if !slices.Contains(c.notes, "shard 1 (pod-1): exit code 137") {
		t.Errorf("notes %q", c.notes)
	}
}
