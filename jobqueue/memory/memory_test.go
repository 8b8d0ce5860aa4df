package memory_test

import (
	"testing"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
	"github.com/queuedyno/queuedyno/queuetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	queuetest.Conformance(t, func(testing.TB) jobqueue.Backend { return memory.New() })
}

func TestLanesConformance(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3} {
		queuetest.Conformance(t, func(testing.TB) jobqueue.Backend { return memory.NewMultiQueue(n, n) })
		queuetest.MultiQueueConformance(t, n, n, func(testing.TB) jobqueue.MultiQueue { return memory.NewMultiQueue(n, n) })
	}
}
