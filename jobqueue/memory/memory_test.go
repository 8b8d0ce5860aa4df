package memory_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/scenario/scenariotest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	scenariotest.Conformance(t, func(testing.TB) jobqueue.Backend { return memory.New() })
}
