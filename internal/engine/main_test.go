package engine_test

import (
	"os"
	"testing"

	"github.com/queuedyno/queuedyno/internal/parallel"
)

func TestMain(m *testing.M) {
	parallel.AtLeast(6)
	os.Exit(m.Run())
}
