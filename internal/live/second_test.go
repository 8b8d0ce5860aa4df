package live_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/live"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/result"
)

// What is written arrives as it was, wherever the bytes are cut, and other lines between
// the seconds are ignored.
func TestSecondsArriveHoweverTheBytesAreCut(t *testing.T) {
	t.Parallel()
	var sent []live.Second
	var b bytes.Buffer
	w := live.NewWriter(&b)
	for i := range 3 {
		facts := rendertest.Steady(t)
		facts.Timeline = nil
		s := live.Second{ID: "run", State: fmt.Sprintf("%d s of 3 s", i), Facts: facts, Rows: []result.Second{{
			ElapsedS: float64(i + 1), LengthS: 1, Notified: 7, Lost: 1, Stages: map[metric.Stage]*result.SecondStage{metric.EndToEnd: {Count: 7, MaxNS: new(int64(5))}},
		}}}
		if err := w.Write(s); err != nil {
			t.Fatal(err)
		}
		b.WriteString("text\n{\"id\":\"no facts\"}\n[]\n\n")
		sent = append(sent, s)
	}
	rapid.Check(t, func(t *rapid.T) {
		var got []live.Second
		r := live.Reader{Show: func(s live.Second) { got = append(got, s) }}
		for rest := b.Bytes(); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "bytes")
			if took, err := r.Write(rest[:n]); took != n || err != nil {
				t.Fatalf("Write of %d bytes = %d, %v", n, took, err)
			}
			rest = rest[n:]
		}
		if diff := cmp.Diff(sent, got); diff != "" {
			t.Fatalf("seconds (-sent +got):\n%s", diff)
		}
	})
}

// A line without an end does not fill the memory, and the seconds after it arrive.
func TestALineLongerThanAnySecondIsIgnored(t *testing.T) {
	t.Parallel()
	n := 0
	r := live.Reader{Show: func(live.Second) { n++ }}
	part := bytes.Repeat([]byte("x"), 1<<20)
	for range 20 {
		if _, err := r.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	b.WriteByte('\n')
	if err := live.NewWriter(&b).Write(live.Second{ID: "run", Facts: &result.Result{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Write(b.Bytes()); err != nil || n != 1 {
		t.Errorf("%d seconds were shown, %v; want the one after the long line", n, err)
	}
}

// A run whose page another process serves writes this once a second.
func BenchmarkASecondForAnotherProcess(b *testing.B) {
	facts := rendertest.Steady(b)
	rows := facts.Timeline[:1]
	facts.Timeline = nil
	for _, s := range facts.Stages {
		s.HDR = "" // as in a snapshot
	}
	w := live.NewWriter(io.Discard)
	for b.Loop() {
		if err := w.Write(live.Second{ID: "run", State: "5s of 10s", Facts: facts, Rows: rows}); err != nil {
			b.Fatal(err)
		}
	}
}
