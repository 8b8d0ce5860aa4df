package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// initIn runs init in a directory with the given files, and returns that directory.
func initIn(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inDir(t, dir, "init")
	return dir
}

// inDir runs the command in a directory, as a process, and returns what it printed.
func inDir(t *testing.T, dir string, args ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// testscript runs main in a copy of the test binary that has the command's name.
	as := filepath.Join(t.TempDir(), "queuedyno")
	if err := os.Symlink(self, as); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), as, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("queuedyno %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// The workers are those of the example for Sidekiq, whose class is HardJob.
func TestWhatInitWritesRunsOnSidekiq(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sidekiq"); err != nil {
		redistest.Missing(t, "sidekiq", err)
	}
	redistest.Process(t) // or skip
	example, err := filepath.Abs("../../examples/sidekiq-worker/worker.rb")
	if err != nil {
		t.Fatal(err)
	}
	dir := initIn(t, map[string]string{
		"Gemfile":     "gem 'sidekiq'\n",
		"hard_job.rb": "class HardJob\n  include Sidekiq::Job\nend\n",
	})
	out := inDir(t, dir, "run", "workers", "-n", "250", "--warmup", "0s", "--threshold", "end_to_end.p95 < 60m", "--allow-invalid",
		"--worker", `exec sidekiq -r '`+example+`' -c 2 -q "${QUEUE#queue:}"`)
	if !strings.Contains(out, "250 notified, 0 lost") {
		t.Errorf("the run says:\n%s", out)
	}
}

// The benchmark is compiled and run in a module that takes this one from its directory.
func TestTheBenchmarkThatInitWritesRuns(t *testing.T) {
	t.Parallel()
	redistest.Process(t) // or skip
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	const own = "module github.com/queuedyno/queuedyno\n"
	if !bytes.HasPrefix(mod, []byte(own)) {
		t.Fatalf("go.mod begins with %.60q", mod)
	}
	user := "module example.com/shop\n\nrequire github.com/queuedyno/queuedyno v0.0.0\n\nreplace github.com/queuedyno/queuedyno => " + root + "\n" + string(mod[len(own):])
	dir := initIn(t, map[string]string{"go.mod": user, "go.sum": string(sum), "shop.go": "package shop\n"})
	cmd := exec.CommandContext(t.Context(), "go", "test", "-mod=mod", "-run=-", "-bench=Queue", "-benchtime=50x", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "BenchmarkQueue") {
		t.Errorf("%v\n%s", err, out)
	}
}
