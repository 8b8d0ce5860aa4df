package checkpoint_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/queuedyno/queuedyno/internal/checkpoint"
	"github.com/queuedyno/queuedyno/result"
)

func numbered(n int) *result.Result { return &result.Result{Run: result.Info{ID: strconv.Itoa(n)}} }

func TestWhatIsTakenIsWrittenBeforeCloseReturns(t *testing.T) {
	t.Parallel()
	var written []string
	w := checkpoint.New(func(r *result.Result) error { written = append(written, r.Run.ID); return nil }, func(error) { t.Error("an error") })
	w.Take(numbered(1))
	w.Close()
	if !slices.Equal(written, []string{"1"}) {
		t.Errorf("written %q", written)
	}
}

// A disk that hangs holds up no one: what would have to wait behind one that waits is
// dropped.
func TestASlowDiskHoldsUpNothing(t *testing.T) {
	t.Parallel()
	var written []string
	begun, goOn := make(chan struct{}, 10), make(chan struct{})
	w := checkpoint.New(func(r *result.Result) error {
		begun <- struct{}{}
		<-goOn
		written = append(written, r.Run.ID)
		return nil
	}, func(error) {})
	w.Take(numbered(1))
	<-begun
	for n := 2; n <= 5; n++ {
		w.Take(numbered(n))
	}
	close(goOn)
	w.Close()
	if !slices.Equal(written, []string{"1", "2"}) {
		t.Errorf("written %q, want the first, and the one that was taken while it was written", written)
	}
}

func TestAnErrorIsReportedOnceInARow(t *testing.T) {
	t.Parallel()
	outcomes := []error{errors.New("full"), errors.New("full"), nil, errors.New("gone")}
	var failed []string
	n, wrote := 0, make(chan struct{})
	w := checkpoint.New(func(*result.Result) error {
		defer func() { n++; wrote <- struct{}{} }()
		return outcomes[n]
	}, func(err error) { failed = append(failed, err.Error()) })
	for range outcomes {
		w.Take(numbered(0))
		<-wrote
	}
	w.Close()
	if !slices.Equal(failed, []string{"full", "gone"}) {
		t.Errorf("reported %q, want full once and gone", failed)
	}
}
