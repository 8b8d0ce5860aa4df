package store_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/queuedyno/queuedyno/internal/store"
)

// A check makes the folder of all results and takes it away again. That must not
// come between a run and its directory.
func TestACheckDoesNotTakeTheFolderFromUnderAnotherRun(t *testing.T) {
	t.Parallel()
	for round := range 50 {
		parent := filepath.Join(t.TempDir(), "results", "of", "all")
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				dir := filepath.Join(parent, fmt.Sprint(i))
				if err := check(dir, false); err != nil {
					t.Errorf("round %d: Check = %v", round, err)
				}
				r, err := store.Reserve(dir, store.Reserving{})
				if err != nil {
					t.Errorf("round %d: Reserve = %v", round, err)
					return
				}
				r.Release()
			})
		}
		all.Wait()
	}
}
