package render_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/study"
)

func TestEveryReportOfVariedSearchesHoldsEveryValue(t *testing.T) {
	t.Parallel()
	r := rendertest.Scaled(t, rendertest.Consumers(1, 2, 3, 4, 5, 6, 7))
	for _, name := range []string{"text", "md", "csv"} {
		var b bytes.Buffer
		if err := render.Of(r).Encode(&b, name, render.Options{}); err != nil {
			t.Fatal(err)
		}
		got := b.String()
		if strings.ContainsRune(got, '\x1b') || name == "md" && strings.Contains(got, "<b>") {
			t.Errorf("%s: markup or control characters of a reason get through", name)
		}
		if name != "csv" && (!strings.Contains(got, "not begun") || !strings.Contains(got, "Universal Scalability Law") || !strings.Contains(got, "6 of 7 values settled")) {
			t.Errorf("%s does not say what was not begun, or the law:\n%s", name, got)
		}
		if name == "csv" {
			rows, err := csv.NewReader(&b).ReadAll()
			want := 1
			for _, c := range r.Cells {
				want += 1 + len(c.Trials)
			}
			if err != nil || len(rows) != want || !strings.Contains(got, "consumers=7") {
				t.Errorf("%d rows, %v; want %d: one for each answer and each trial", len(rows), err, want)
			}
		}
	}
}

// The law is a dashed line when it is believed, and nothing when it is not.
func TestTheLawIsDrawnOnlyWhenItIsBelieved(t *testing.T) {
	t.Parallel()
	draw := func(r *study.Record) string {
		var b bytes.Buffer
		if err := render.ScalingSVG(&b, r); err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
			t.Error("the picture holds what is no number")
		}
		return b.String()
	}
	r := rendertest.Scaled(t, rendertest.Consumers(1, 2, 3, 4, 5, 6, 7))
	if !strings.Contains(draw(r), "stroke-dasharray") {
		t.Error("a law that is believed is not drawn")
	}
	r.Scaling.Refused = "a residual"
	if strings.Contains(draw(r), "stroke-dasharray") {
		t.Error("a law that was refused is drawn")
	}
	if got := draw(rendertest.Scaled(t, rendertest.Consumers(1, 2, 4), rendertest.Batches(1, 10, 100))); !strings.Contains(got, "workers") || !strings.Contains(got, "–") {
		t.Error("the fields of a heat map do not say what gave out, or what was not begun")
	}
	draw(rendertest.Scaled(t, study.Dimension{Field: "payload", Values: []int{0, 100, 1_000_000}}))
	draw(rendertest.Scaled(t, rendertest.Consumers(5)))
	draw(&study.Record{Vary: []study.Dimension{rendertest.Consumers(1)}})
}
