// Package testprogram writes the programs that tests put in place of real ones.
//
// Begin reading at [Write].
package testprogram

import (
	"os"
	"syscall"
	"testing"
)

// Write makes a program at the path, whose directory must exist, with the content.
//
// A process that another goroutine starts while the file is open for writing inherits
// the open file until its exec, and as long as anyone has a program open for writing,
// Linux refuses to run it: "text file busy" (ETXTBSY in execve(2), golang/go#22315). So
// no process is started meanwhile. Write may be called from several goroutines at once.
func Write(t testing.TB, path string, content []byte) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, content, 0o755); err != nil {
		t.Error(err) // and not Fatal, which only the goroutine of the test may call
	}
}
