//go:build unix

package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/fleet"
	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/testprogram"
)

// script is a kubectl whose cluster is a directory: "secret" holds the keys of the secret,
// "objects" what get prints, and POD.log what a pod logs. It writes its calls to "calls".
const script = `#!/bin/sh
cd "$CLUSTER"
printf '%s\n' "$*" >>calls
while [ "${1#--}" != "$1" ]; do shift 2; done # global arguments
case $1 in
create)
	cat >created
	[ ! -e refuses ] || { echo 'Error from server (AlreadyExists): jobs.batch "x" already exists' >&2; exit 1; }
	touch exists
	;;
delete)
	rm -f exists
	if [ -e after-delete ]; then mv after-delete objects; fi
	;;
get)
	case $2 in
	secret)
		[ ! -e forbidden ] || { echo 'Error from server (Forbidden): secrets is forbidden' >&2; exit 1; }
		cat secret
		;;
	*)
		[ ! -e unreachable ] || { echo 'Unable to connect to the server' >&2; exit 1; }
		[ -e exists ] || { echo '{"items": []}'; exit 0; }
		cat objects
		;;
	esac
	;;
logs)
	if [ -e after-logs ]; then mv after-logs objects; fi
	if [ -e then-unreachable ]; then touch unreachable; fi
	n=$(ls "$2".opened.* 2>/dev/null | wc -l)
	touch "$2.opened.$n"
	[ "$n" -ge "$(cat unreadable 2>/dev/null || echo 0)" ] || { echo 'Error from server: no preferred addresses found' >&2; exit 1; }
	if [ -e "$2.$n.log" ]; then cat "$2.$n.log"; else cat "$2.log"; fi
	;;
esac
`

// cluster is a directory with a kubectl for it.
type cluster struct {
	dir string
	o   fleet.Options

	mu    sync.Mutex
	notes []string
	lines map[int][]string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{dir: t.TempDir(), lines: map[int][]string{}}
	program := filepath.Join(c.dir, "kubectl")
	testprogram.Write(t, program, []byte(script))
	m := manifest()
	m.Shards, m.MeetTimeout = 2, time.Minute
	c.o = fleet.Options{
		Kubectl:  fleet.Kubectl{Program: program, Global: []string{"--context", "test"}, Environ: append(os.Environ(), "CLUSTER="+c.dir)},
		Manifest: m, Dir: t.TempDir(), Poll: 10 * time.Millisecond, Patience: 30 * time.Second,
		Note: func(format string, args ...any) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.notes = append(c.notes, fmt.Sprintf(format, args...))
		},
		Line: func(shard int, line string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.lines[shard] = append(c.lines[shard], line)
		},
	}
	c.file(t, "secret", "URL\n")
	return c
}

// file writes a file of the cluster in one piece.
func (c *cluster) file(t *testing.T, name, text string) {
	t.Helper()
	err := os.WriteFile(filepath.Join(c.dir, "new"), []byte(text), 0o666)
	if err == nil {
		err = os.Rename(filepath.Join(c.dir, "new"), filepath.Join(c.dir, name))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// objects are a Job and pods as kubectl prints them.
func objects(over bool, pods ...string) string {
	condition := ""
	if over {
		condition = `{"type": "Complete", "status": "True"}`
	}
	return fmt.Sprintf(`{"items": [{"kind": "Job", "metadata": {"name": "x"}, "status": {"conditions": [%s]}}%s]}`,
		condition, strings.Join(append([]string{""}, pods...), ","))
}

func podJSON(shard int, phase, state string) string {
	return fmt.Sprintf(`{"kind": "Pod", "metadata": {"name": "pod-%d", "annotations": {"batch.kubernetes.io/job-completion-index": "%d"}},
		"status": {"phase": %q, "containerStatuses": [{"state": {%s}}]}}`, shard, shard, phase, state)
}

func ended(shard, code int) string {
	phase := "Succeeded"
	if code != 0 {
		phase = "Failed"
	}
	return podJSON(shard, phase, fmt.Sprintf(`"terminated": {"exitCode": %d, "reason": "Error"}`, code))
}

const running = `"running": {"startedAt": "2026-01-01T00:00:00Z"}`

// calls are the calls of kubectl that begin with a word after the global arguments.
func (c *cluster) calls(t *testing.T, verb string) (all []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(c.dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		rest, ours := strings.CutPrefix(strings.TrimSpace(line), "--context test --namespace load ")
		if !ours {
			t.Errorf("kubectl was called with %q, without the context or the namespace", line)
		}
		if strings.HasPrefix(rest, verb+" ") {
			all = append(all, rest)
		}
	}
	return all
}

// label is the label of what was created.
func (c *cluster) label(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(c.dir, "created"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), `queuedyno/fleet-run: "`)
	id, _, _ := strings.Cut(rest, `"`)
	if n := strings.Count(string(data), id); id == "" || n != 3 {
		t.Fatalf("label %q is there %d times, want it on the ConfigMap, the Job and its pods", id, n)
	}
	return "queuedyno/fleet-run=" + id
}

// removed fails unless exactly what has the label of this run was deleted, and nothing
// is left.
func (c *cluster) removed(t *testing.T) {
	t.Helper()
	deletions := c.calls(t, "delete")
	for _, call := range deletions {
		if !strings.HasPrefix(call, "delete job,configmap --selector="+c.label(t)+" ") {
			t.Errorf("kubectl %s deletes something else", call)
		}
	}
	if len(deletions) == 0 {
		t.Error("nothing was deleted")
	}
	if _, err := os.Stat(filepath.Join(c.dir, "exists")); err == nil {
		t.Error("the Job is still there")
	}
}

func results(t *testing.T, logs []fleet.Log) (all []int) {
	t.Helper()
	for _, l := range logs {
		all = append(all, l.Results)
		if data, err := os.ReadFile(l.File); err != nil || strings.Count(string(data), "result of") != l.Results {
			t.Errorf("the log of %s is %q, %v; want %d results", l.Pod, data, err, l.Results)
		}
	}
	return all
}

// TestAfterStopTheShardsReportAndEverythingIsRemoved: the Job is deleted, and the pods
// are waited for.
func TestAfterStopTheShardsReportAndEverythingIsRemoved(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.file(t, "objects", objects(false, podJSON(0, "Running", running), podJSON(1, "Running", running)))
	c.file(t, "pod-0.log", "{\"a\": \"result of 0\"}\n")
	c.file(t, "pod-1.log", "{\"a\": \"result of 1\"}\n")
	stop := make(chan struct{})
	c.o.Stop = stop
	note := c.o.Note
	c.o.Note = func(format string, args ...any) {
		note(format, args...)
		if strings.HasPrefix(format, "%s") && strings.HasPrefix(args[0].(string), "2 of 2") {
			close(stop)
		}
	}
	logs, err := fleet.Run(t.Context(), c.o)
	if err != nil {
		t.Fatal(err)
	}
	if got := results(t, logs); !slices.Equal(got, []int{1, 1}) {
		t.Errorf("logs %+v", logs)
	}
	c.removed(t)
	if calls := c.calls(t, "delete"); !strings.HasSuffix(calls[0], "--wait=false") || !strings.HasSuffix(calls[len(calls)-1], "--wait=true") {
		t.Errorf("deletions: %q", calls)
	}
}

// TestAnEndAtOnceRemovesEverything: the context ends while the pods run.
func TestAnEndAtOnceRemovesEverything(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.file(t, "objects", objects(false, podJSON(0, "Pending", `"waiting": {"reason": "ContainerCreating"}`)))
	ctx, cancel := context.WithCancel(t.Context())
	note := c.o.Note
	c.o.Note = func(format string, args ...any) { note(format, args...); cancel() }
	if _, err := fleet.Run(ctx, c.o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	c.removed(t)
	if calls := c.calls(t, "delete"); len(calls) != 1 || !strings.HasSuffix(calls[0], "--wait=false") {
		t.Errorf("deletions: %q", calls)
	}
}

func TestPodsThatDoNotStartEndTheFleetWithTheirReasons(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	unscheduled := `{"kind": "Pod", "metadata": {"name": "pod-2", "annotations": {"batch.kubernetes.io/job-completion-index": "2"}},
		"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: Insufficient cpu."}]}}`
	c.file(t, "objects", objects(false, podJSON(0, "Running", running),
		podJSON(1, "Pending", `"waiting": {"reason": "ErrImagePull", "message": "no such image"}`), unscheduled))
	c.file(t, "pod-0.log", "waits\n")
	c.o.Manifest.Shards, c.o.Manifest.MeetTimeout = 4, time.Millisecond
	_, err := fleet.Run(t.Context(), c.o)
	const want = "3 of 4 pods did not start within 1ms: shard 1 (ErrImagePull: no such image), shard 2 (Unschedulable: 0/1 nodes: Insufficient cpu.), shard 3 (there is no pod)"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	c.removed(t)
}

func TestNothingIsCreatedWithoutTheSecret(t *testing.T) {
	t.Parallel()
	for keys, want := range map[string]string{"": "there is no secret", "OTHER\n": "has no key"} {
		c := newCluster(t)
		c.file(t, "secret", keys)
		_, err := fleet.Run(t.Context(), c.o)
		if missing := new(problem.Hinted); !errors.As(err, &missing) || !strings.Contains(err.Error(), want) {
			t.Errorf("keys %q: error %v", keys, err)
		}
		if calls := append(c.calls(t, "create"), c.calls(t, "delete")...); len(calls) > 0 {
			t.Errorf("keys %q: kubectl %q", keys, calls)
		}
	}
	c := newCluster(t) // the user may not read secrets, and the pods may
	c.file(t, "forbidden", "")
	c.file(t, "objects", objects(true))
	if _, err := fleet.Run(t.Context(), c.o); err != nil {
		t.Error(err)
	}
}

// TestWhatExistsIsNotTaken: a Job of that name is an error, and it stays.
func TestWhatExistsIsNotTaken(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.file(t, "refuses", "")
	_, err := fleet.Run(t.Context(), c.o)
	if failed := new(fleet.KubectlError); !errors.As(err, &failed) || !strings.Contains(failed.Said, "AlreadyExists") {
		t.Errorf("error %v", err)
	}
	c.removed(t) // the ConfigMap may have been created
}

func TestAJobThatIsGoneIsAnError(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.file(t, "objects", `{"items": []}`)
	if _, err := fleet.Run(t.Context(), c.o); !errors.Is(err, fleet.ErrGone) {
		t.Errorf("error %v", err)
	}
}

func TestAClusterThatDoesNotAnswerIsAnErrorAndIsAskedSeveralTimes(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.file(t, "unreachable", "")
	_, err := fleet.Run(t.Context(), c.o)
	if failed := new(fleet.KubectlError); !errors.As(err, &failed) || failed.Said != "Unable to connect to the server" {
		t.Errorf("error %v", err)
	}
	if calls := c.calls(t, "get job,pods"); len(calls) != 5 {
		t.Errorf("it was asked %d times, want 5", len(calls))
	}
}
