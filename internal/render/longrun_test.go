package render_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
)

func TestAReportOfALongRunSaysHowLongItsRowsAre(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"md", "html"} {
		for _, length := range []float64{0, 24} {
			r := rendertest.Steady(t)
			r.RowS = length
			var b bytes.Buffer
			if err := render.Of(r).Encode(&b, format, render.Options{}); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(b.String(), "the timeline has rows of 24 s"); got != (length > 0) {
				t.Errorf("%s of a run with rows of %v s: says so = %t", format, length, got)
			}
		}
	}
}
