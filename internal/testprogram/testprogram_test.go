package testprogram_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/queuedyno/queuedyno/internal/testprogram"
)

// TestAProgramCanBeRunWhileOthersAreWritten: with os.WriteFile alone some of these are
// refused as busy.
func TestAProgramCanBeRunWhileOthersAreWritten(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the programs are scripts of a shell")
	}
	dir := t.TempDir()
	var started sync.WaitGroup
	for g := range 8 {
		started.Go(func() {
			for i := range 50 {
				path := filepath.Join(dir, fmt.Sprintf("%d-%d", g, i))
				testprogram.Write(t, path, []byte("#!/bin/sh\nexit 0\n"))
				if err := exec.Command(path).Run(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	started.Wait()
}
