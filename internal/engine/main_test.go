package engine_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/parallel"
)

// TestMain looks for goroutines that runs, their connections or their proxies have left
// when all tests are over.
func TestMain(m *testing.M) {
	parallel.AtLeast(8)
	code := m.Run()
	var left []string
	for deadline := time.Now().Add(30 * time.Second); code == 0; time.Sleep(10 * time.Millisecond) {
		if left = goroutinesOf("internal/engine.", "internal/netfault.", "toxiproxy", "/jobqueue.", "internal/redisconn."); len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			fmt.Printf("goroutines are left:\n%s\n", strings.Join(left, "\n\n"))
			code = 1
		}
	}
	os.Exit(code)
}

// goroutinesOf are the stacks of goroutines in which one of the words stands.
func goroutinesOf(words ...string) (all []string) {
	buf := make([]byte, 1<<22)
	buf = buf[:runtime.Stack(buf, true)]
	for one := range strings.SplitSeq(string(buf), "\n\n") {
		if slices.ContainsFunc(words, func(word string) bool { return strings.Contains(one, word) }) {
			all = append(all, one)
		}
	}
	return all
}
