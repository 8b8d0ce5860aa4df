package publishpop_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/internal/publishpop"
	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/jobqueue/memory"
)

// plain is a consumer with a diary that cannot publish and pop at once.
type plain struct {
	said []string
	fail error
}

func (p *plain) Pop(_ context.Context, most int, wait time.Duration) ([][]byte, error) {
	p.said = append(p.said, fmt.Sprint("pop ", most, " ", wait))
	return [][]byte{[]byte("next")}, nil
}

func (p *plain) Publish(_ context.Context, message []byte) (int, error) {
	p.said = append(p.said, "publish "+string(message))
	return len(message), p.fail
}

func (p *plain) Close() error { return nil }

func TestWhatCannotBeDoneInOneWriteIsDoneInTwo(t *testing.T) {
	t.Parallel()
	p := &plain{}
	acked := map[int]int{}
	outcomes := []jobqueue.Outcome{{Message: []byte("a")}, {Last: true}, {Message: []byte("bb")}}
	note := func(i, receivers int) { acked[i] = receivers }
	jobs, err := publishpop.Of(p).PublishAndPop(t.Context(), outcomes, note, 3, time.Second)
	if err != nil || len(jobs) != 1 || string(jobs[0]) != "next" {
		t.Errorf("%q, %v", jobs, err)
	}
	if want := []string{"publish a", "publish bb", "pop 3 1s"}; !slices.Equal(p.said, want) {
		t.Errorf("it did %q, want %q", p.said, want)
	}
	if len(acked) != 3 || acked[0] != 1 || acked[1] != -1 || acked[2] != 2 {
		t.Errorf("acknowledged %v, want each, and the silent one without receivers", acked)
	}
	p.said = nil
	if jobs, err := publishpop.Of(p).PublishAndPop(t.Context(), outcomes[:1], note, 0, time.Second); jobs != nil || err != nil || len(p.said) != 1 {
		t.Errorf("without a pop: %q, %v, %q", jobs, err, p.said)
	}
}

func TestAfterAPublishThatFailedNothingIsPopped(t *testing.T) {
	t.Parallel()
	p := &plain{fail: errors.New("gone")}
	acked := 0
	_, err := publishpop.Of(p).PublishAndPop(t.Context(), []jobqueue.Outcome{{Message: []byte("a")}}, func(int, int) { acked++ }, 1, 0)
	if !errors.Is(err, p.fail) || acked != 0 || len(p.said) != 1 {
		t.Errorf("%v, %d acknowledged, %q", err, acked, p.said)
	}
}

func TestAConsumerThatCanIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	c, err := memory.New().OpenConsumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if can, ok := c.(jobqueue.PublishPopper); !ok || publishpop.Of(c) != can {
		t.Error("it was wrapped, or cannot")
	}
}
