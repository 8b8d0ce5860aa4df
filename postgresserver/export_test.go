//go:build unix

package postgresserver

import (
	"os"
	"testing"

	"github.com/queuedyno/queuedyno/internal/servertest"
)

// NeedsInstalled ends the test where no Postgres is installed.
func NeedsInstalled(t *testing.T) {
	t.Helper()
	if _, err := lookBinaries(os.Getenv("PATH"), distributions); err != nil {
		servertest.Missing(t, "postgres", err)
	}
}
