package main

import (
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Programs that read manual pages and completion scripts find no mistake in them.
func TestTheManualPagesAndCompletionsAreValid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if code := execute(context.Background(), []string{"manual", dir}, nil, strings.NewReader(""), io.Discard, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for pattern, check := range map[string][]string{
		"man/*.1":            {"groff", "-man", "-Tutf8", "-ww", "-z"},
		"completions/*.bash": {"bash", "-n"},
		"completions/*.zsh":  {"zsh", "-n"},
		"completions/*.fish": {"fish", "-n"},
	} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: %d files, %v", pattern, len(files), err)
		}
		if _, err := exec.LookPath(check[0]); err != nil {
			t.Logf("%s does not check %s: %v", check[0], pattern, err)
			continue
		}
		if out, err := exec.Command(check[0], append(check[1:], files...)...).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%v: %v\n%s", check, err, out)
		}
	}
}
