//go:build unix

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/internal/testprogram"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
)

// fakeKubectl is a kubectl whose pods are processes on this host. They run what the manifest
// says, when their logs are read. CUT is a shard whose log breaks off.
const fakeKubectl = `#!/bin/sh
cd "$CLUSTER" || exit 1
while [ "${1#--}" != "$1" ]; do shift 2; done
case $1 in
create)
	cat >manifest
	sed -n '/^  scenarios.yaml: |$/,/^---$/s/^    //p' manifest >scenarios.yaml
	touch exists
	;;
delete)
	rm -f exists
	for pid in *.pid; do [ ! -e "$pid" ] || kill -TERM "$(cat "$pid")"; done
	;;
get)
	[ "$2" != secret ] || { echo REDIS_URL; exit; }
	shards=$(sed -n 's/^  completions: //p' manifest) i=0 over=True pods=
	while [ $i -lt "$shards" ]; do
		state='"running": {}' phase=Running
		[ ! -e "pod-$i.ended" ] || { state='"terminated": {"exitCode": '$(cat "pod-$i.ended")'}' phase=Succeeded; }
		[ $phase = Succeeded ] || over=False
		pods=$pods', {"kind": "Pod", "metadata": {"name": "pod-'$i'", "annotations": {"batch.kubernetes.io/job-completion-index": "'$i'"}},
			"status": {"phase": "'$phase'", "containerStatuses": [{"state": {'$state'}}]}}'
		i=$((i + 1))
	done
	echo '{"items": [{"kind": "Job", "metadata": {}, "status": {"conditions": [{"type": "Complete", "status": "'$over'"}]}}'"$pods"']}'
	;;
logs)
	pod=$2 i=${2#pod-}
	[ ! -e "$pod.ended" ] || { cat "$pod.log"; exit; }
	eval "set -- $(sed -n '/^          args:$/,/^          env:$/s/^            - //p' manifest | grep -v name: |
		sed "s|/etc/queuedyno/|$CLUSTER/|; s|/tmp/results|$CLUSTER/results-$i|" | tr '\n' ' ')"
	mkfifo "$pod.fifo"
	tee "$pod.log" <"$pod.fifo" | { [ "$i" != "$CUT" ] && cat || sed -n 1,20p; } &
	JOB_COMPLETION_INDEX=$i queuedyno "$@" >"$pod.fifo" 2>&1 &
	echo $! >"$pod.pid"
	wait $!
	code=$?
	wait
	rm "$pod.pid"
	if [ "$i" = "$CUT" ]; then head -n 20 "$pod.log" >cut && mv cut "$pod.log"; fi
	echo $code >"$pod.ended"
	;;
esac
`

// fleetEnviron is the environment of a command whose kubectl is the fake one.
func fleetEnviron(t *testing.T, more ...string) (environ []string, cluster string) {
	t.Helper()
	cluster = t.TempDir()
	bin := t.TempDir()
	testprogram.Write(t, filepath.Join(bin, "kubectl"), []byte(fakeKubectl))
	return append([]string{
		"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "CLUSTER=" + cluster, "REDIS_URL=" + redistest.Process(t).URL(),
	}, more...), cluster
}

// TestAFleetIsOneResult: the pods run what the manifest says, and their logs become one
// result. Nothing is left.
func TestAFleetIsOneResult(t *testing.T) {
	t.Parallel()
	environ, cluster := fleetEnviron(t)
	c := startWith(t, environ, "fleet", "run", "quick", "-n", "2", "--image", "x", "-r", "200", "-d", "2s", "--name", "r", "--allow-invalid")
	if got := c.end(t); got != problem.OK {
		t.Fatalf("exit code %d; it said:\n%s", got, strings.Join(c.said, "\n"))
	}
	r, err := store.LoadAs[*result.Result](filepath.Join(c.dir, "results", "r"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Fleet == nil || len(r.Fleet.Shards) != 2 || len(r.Fleet.Missing) > 0 || r.Window.Scheduled != 400 || r.Window.Completed != 400 || r.Ledger.Notified != r.Ledger.Scheduled {
		t.Errorf("window %+v, ledger %+v; want 400 jobs of 2 shards", r.Window, r.Ledger)
	}
	for _, want := range []string{"created the Job queuedyno-quick-", "shard 0: run: quick: shard 0/2", "shard 1: run: quick: shard 1/2", "2 of 2 pods run"} {
		if !slices.ContainsFunc(c.said, func(line string) bool { return strings.Contains(line, want) }) {
			t.Errorf("it did not say %q but:\n%s", want, strings.Join(c.said, "\n"))
		}
	}
	if _, err := os.Stat(filepath.Join(cluster, "exists")); err == nil {
		t.Error("the Job is left")
	}
}

// TestAShardWithoutAResultMakesTheFleetInvalid: it is named, with what it said last.
func TestAShardWithoutAResultMakesTheFleetInvalid(t *testing.T) {
	t.Parallel()
	environ, _ := fleetEnviron(t, "CUT=1")
	c := startWith(t, environ, "fleet", "run", "quick", "-n", "2", "--image", "x", "-r", "200", "-d", "1s", "--name", "r")
	if got := c.end(t); got != problem.Invalid {
		t.Fatalf("exit code %d, want %d; it said:\n%s", got, problem.Invalid, strings.Join(c.said, "\n"))
	}
	said := strings.Join(c.said, "\n")
	for _, want := range []string{"shard 1 (pod-1) left no result", "shard 1 of 2 is missing"} {
		if !strings.Contains(said, want) {
			t.Errorf("it did not say %q but:\n%s", want, said)
		}
	}
}

// TestASignalEndsAFleetWithItsResultAndLeavesNothing: the shards drain and report.
func TestASignalEndsAFleetWithItsResultAndLeavesNothing(t *testing.T) {
	t.Parallel()
	environ, cluster := fleetEnviron(t)
	c := startWith(t, environ, "fleet", "run", "quick", "-n", "2", "--image", "x", "--name", "r")
	c.await(t, "5s/10m0s") // the first line of progress of a shard
	c.signal(t, os.Interrupt)
	if got := c.end(t); got != problem.Interrupted {
		t.Errorf("exit code %d, want %d; it said:\n%s", got, problem.Interrupted, strings.Join(c.said, "\n"))
	}
	r, err := store.LoadAs[*result.Result](filepath.Join(c.dir, "results", "r"))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Run.Interrupted || len(r.Fleet.Shards) != 2 || r.Ledger.Notified == 0 || r.Ledger.Lost != 0 {
		t.Errorf("interrupted = %t, ledger %+v", r.Run.Interrupted, r.Ledger)
	}
	if _, err := os.Stat(filepath.Join(cluster, "exists")); err == nil {
		t.Error("the Job is left")
	}
}
