package queuedyno_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/testprogram"
)

// runAction runs the main step of the action in dir with these inputs. The queuedyno
// that it finds leaves its arguments, one a line, and ends with a code.
func runAction(t *testing.T, dir string, code string, inputs map[string]string) (args []string, outputs string, exit int) {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("the action is a script of bash: ", err)
	}
	script, err := filepath.Abs("deploy/action.sh")
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	bin := filepath.Join(temp, "queuedyno-bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	fake := "#!/bin/sh\nfor dir in '" + temp + "'/queuedyno-results.*; do touch \"$dir/result.json\"; done\nprintf '%s\\n' \"$@\" >'" + temp + "/args'\nexit " + code + "\n"
	testprogram.Write(t, filepath.Join(bin, "queuedyno"), []byte(fake))
	cmd := exec.Command("bash", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "RUNNER_TEMP="+temp, "GITHUB_OUTPUT="+temp+"/outputs")
	for _, name := range actionInputs(t) {
		cmd.Env = append(cmd.Env, name+"="+inputs[name])
	}
	out, err := cmd.CombinedOutput()
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		exit = failed.ExitCode()
	} else if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if text, err := os.ReadFile(filepath.Join(temp, "args")); err == nil {
		args = strings.Split(strings.TrimSuffix(anonymous(string(text), temp), "\n"), "\n")
	}
	text, _ := os.ReadFile(filepath.Join(temp, "outputs"))
	return args, anonymous(string(text), temp), exit
}

// anonymous replaces what is different each time.
func anonymous(text, temp string) string {
	return regexp.MustCompile(`queuedyno-results\.\w+`).ReplaceAllString(strings.ReplaceAll(text, temp, "TEMP"), "queuedyno-results.RANDOM")
}

// actionInputs are the variables that the main step of action.yml sets from its inputs.
func actionInputs(t *testing.T) (names []string) {
	t.Helper()
	var action struct {
		Inputs map[string]any
		Runs   struct {
			Steps []struct {
				ID  string
				Env map[string]string
			}
		}
	}
	text := read(t, "action.yml")
	if err := yaml.Unmarshal([]byte(text), &action); err != nil {
		t.Fatal(err)
	}
	for input := range action.Inputs {
		if !strings.Contains(text, "inputs."+input) {
			t.Errorf("action.yml does nothing with its input %s", input)
		}
	}
	for _, step := range action.Runs.Steps {
		if step.ID == "run" {
			for name := range step.Env {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func TestTheActionReadsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	set, used := actionInputs(t), []string{}
	for _, m := range regexp.MustCompile(`\$([A-Z]+)\b`).FindAllStringSubmatch(read(t, "deploy/action.sh"), -1) {
		used = append(used, m[1])
	}
	for _, name := range set {
		if name != "ACTION" && !slices.Contains(used, name) {
			t.Errorf("deploy/action.sh does not use %s", name)
		}
	}
	if len(set) < 8 {
		t.Errorf("action.yml sets %q", set)
	}
}

func TestTheActionRunsScenarios(t *testing.T) {
	t.Parallel()
	args, outputs, code := runAction(t, t.TempDir(), "99", map[string]string{
		"SCENARIO": "one two", "FILE": "ci.yaml", "REDIS": "redis://localhost:6379",
		"ARGS": `--rate 500 --threshold 'end_to_end.p99 < 5ms' $(false)`,
	})
	want := []string{"run", "one", "two", "--out", "TEMP/queuedyno-results.RANDOM", "--file", "ci.yaml", "--redis", "redis://localhost:6379", "--rate", "500", "--threshold", "end_to_end.p99 < 5ms", "$(false)"}
	if diff := cmp.Diff(want, args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if code != 99 || outputs != "exit-code=99\nresults=TEMP/queuedyno-results.RANDOM\n" {
		t.Errorf("exit code %d, outputs %q; want 99 of the run in both", code, outputs)
	}
}

func TestTheActionComparesTheWorkersOfBaseAndHead(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git: ", err)
	}
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@t.invalid"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "--quiet")
	for _, text := range []string{"base", "head"} {
		if err := os.WriteFile(filepath.Join(dir, "text"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		git("add", ".")
		git("commit", "--quiet", "-m", text)
	}
	built := filepath.Join(t.TempDir(), "built")
	args, _, code := runAction(t, dir, "3", map[string]string{
		"SCENARIO": "steady", "REDIS": "docker", "WORKER": "node worker.js", "BASE": "HEAD~1", "INCONCLUSIVE": "pass",
		"BUILD": "cat text >>" + built + "; echo >>" + built,
	})
	want := []string{"compare", "steady", "--out", "TEMP/queuedyno-results.RANDOM", "--redis", "docker", "--inconclusive", "pass", "--base-worker", "cd 'TEMP/queuedyno-base' && node worker.js", "--candidate-worker", "node worker.js"}
	if diff := cmp.Diff(want, args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if text := read(t, built); text != "base\nhead\n" || code != 3 {
		t.Errorf("built %q, exit code %d; want the base, then the head, and 3", text, code)
	}
	if out, err := exec.Command("git", "-C", dir, "worktree", "list").Output(); err != nil || strings.Count(string(out), "\n") != 1 {
		t.Errorf("work trees that are left (%v):\n%s", err, out)
	}
}

func TestAComparisonWithoutAWorkerIsRefusedByTheAction(t *testing.T) {
	t.Parallel()
	if args, _, code := runAction(t, t.TempDir(), "0", map[string]string{"BASE": "HEAD"}); code != 2 || args != nil {
		t.Errorf("exit code %d, queuedyno called with %q", code, args)
	}
}

func TestWordsThatCannotBeReadEndTheAction(t *testing.T) {
	t.Parallel()
	for _, inputs := range []map[string]string{{"ARGS": "--rate 5 --threshold 'lost == 0"}, {"SCENARIO": `one "two`}} {
		if args, _, code := runAction(t, t.TempDir(), "0", inputs); code != 2 || args != nil {
			t.Errorf("%v: exit code %d, queuedyno called with %q", inputs, code, args)
		}
	}
}
