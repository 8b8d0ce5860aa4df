//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/problem"
	"github.com/queuedyno/queuedyno/internal/servertest"
	"github.com/queuedyno/queuedyno/internal/store"
	"github.com/queuedyno/queuedyno/redisserver/redistest"
	"github.com/queuedyno/queuedyno/result"
)

// kubernetes is a real cluster: KUBECONFIG_FOR_TESTS names its kubeconfig, and its nodes are
// this host and have the image queuedyno:ci. kubectl is in PATH.
type kubernetes struct {
	environ []string
	secret  string
}

// onKubernetes finds the cluster, and puts the URL of a Redis into a secret of it.
func onKubernetes(t *testing.T) kubernetes {
	t.Helper()
	config := os.Getenv("KUBECONFIG_FOR_TESTS")
	if config == "" {
		servertest.Missing(t, "kubernetes", errors.New("KUBECONFIG_FOR_TESTS is not set"))
	}
	if _, err := exec.LookPath("kubectl"); err != nil {
		servertest.Missing(t, "kubernetes", err)
	}
	url := redistest.Process(t).URL()
	k := kubernetes{environ: []string{"KUBECONFIG=" + config}, secret: "redis-" + strings.ToLower(strings.Trim(filepath.Base(t.Name()), "_"))}
	k.kubectl(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: "+k.secret+"}\nstringData: {REDIS_URL: \""+url+"\"}\n", "apply", "--filename", "-")
	t.Cleanup(func() { k.kubectl(t, "", "delete", "secret", k.secret) })
	return k
}

func (k kubernetes) kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("kubectl", args...)
	cmd.Env, cmd.Stdin = append(os.Environ(), k.environ...), strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

// fleet runs a load in four shards. All of them are on one node, so they request no CPU.
func (k kubernetes) fleet(t *testing.T, more ...string) *command {
	t.Helper()
	return startWith(t, k.environ, append([]string{
		"fleet", "run", "quick", "-n", "4", "--image", "queuedyno:ci", "--host-network", "--cpu", "0", "--memory", "512Mi",
		"--redis-secret", k.secret, "--name", "r", "--warmup", "0s", "--drain-timeout", "30s",
	}, more...)...)
}

func (k kubernetes) nothingIsLeft(t *testing.T) {
	t.Helper()
	if left := k.kubectl(t, "", "get", "job,configmap,pods", "--selector", "queuedyno/fleet-run", "--output", "name"); left != "" {
		t.Errorf("left on the cluster:\n%s", left)
	}
}

// TestAFleetOnKubernetesIsOneLoad: four shards send 4,000 jobs per second together, and the
// merged ledger has each of them once.
func TestAFleetOnKubernetesIsOneLoad(t *testing.T) {
	k := onKubernetes(t)
	c := k.fleet(t, "-r", "4000", "-d", "20s", "--allow-invalid")
	if got := c.end(t); got != problem.OK {
		t.Fatalf("exit code %d; it said:\n%s", got, strings.Join(c.said, "\n"))
	}
	r, err := store.LoadAs[*result.Result](filepath.Join(c.dir, "results", "r"))
	if err != nil {
		t.Fatal(err)
	}
	const jobs = 4000 * 20
	if l := r.Ledger; r.Fleet == nil || len(r.Fleet.Shards) != 4 || r.Window.Scheduled != jobs || r.Window.Completed != jobs || l.Sent != l.Scheduled || l.Notified != l.Sent || l.Lost != 0 || l.Duplicated != 0 {
		t.Errorf("window %+v, ledger %+v; want %d jobs of 4 shards", r.Window, l, jobs)
	}
	if r.Fleet.StartSpreadNS == nil {
		t.Error("the spread of the starts is not known")
	}
	t.Logf("%s, %.0f jobs/s, starts within %d ns:\n%s", r.Validity.Verdict, r.Rates.AchievedPerS, *r.Fleet.StartSpreadNS, c.stdout.String())
	k.nothingIsLeft(t)
}

// TestAPodThatIsDeletedMakesTheFleetInvalid: its shard is named, and the others go on to
// the end.
func TestAPodThatIsDeletedMakesTheFleetInvalid(t *testing.T) {
	k := onKubernetes(t)
	c := k.fleet(t, "-r", "400", "-d", "20s")
	c.await(t, "5s/20s") // the first line of progress of a shard
	k.kubectl(t, "", "delete", "pod", "--wait=false", "--selector", "queuedyno/fleet-run,batch.kubernetes.io/job-completion-index=2")
	if got := c.end(t); got != problem.Invalid {
		t.Errorf("exit code %d, want %d; it said:\n%s", got, problem.Invalid, strings.Join(c.said, "\n"))
	}
	r, err := store.LoadAs[*result.Result](filepath.Join(c.dir, "results", "r"))
	if err != nil {
		t.Fatal(err)
	}
	if reasons := strings.Join(r.Validity.Reasons, "\n"); r.Validity.Verdict != result.Invalid || !strings.Contains(reasons, "shard 2 of 4 ") {
		t.Errorf("%s: %s; want invalid, because of shard 2", r.Validity.Verdict, reasons)
	}
	for _, s := range r.Fleet.Shards {
		if i := s.Run.Shard.Index; i != 2 && (s.Window.Completed != 400*20/4 || s.Run.Interrupted) {
			t.Errorf("shard %d: interrupted = %t, ledger %+v; want its whole share", i, s.Run.Interrupted, s.Ledger)
		}
	}
	k.nothingIsLeft(t)
}
