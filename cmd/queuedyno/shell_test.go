package main

import (
	"os"
	"os/exec"
	"testing"
)

// shell skips a test where there is no shell: commands of the user are started by it.
func shell(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("a command is started by sh: ", err)
	}
}

// onlyPath is an environment in which programs are found and nothing else is set.
func onlyPath() []string { return []string{"PATH=" + os.Getenv("PATH")} }
