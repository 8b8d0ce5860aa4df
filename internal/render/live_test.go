package render_test

import (
	"io"
	"testing"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/internal/webpage"
)

// A live page costs this once a second while it has viewers, however many they are.
func BenchmarkASecondOfALivePage(b *testing.B) {
	r := rendertest.Steady(b)
	r.Timeline = r.Timeline[:1]
	for b.Loop() {
		d, err := render.Of(r).Running(render.Progress{State: "5s of 10s"})
		if err != nil {
			b.Fatal(err)
		}
		if err := webpage.Part(io.Discard, webpage.Page{Documents: []webpage.Document{d}}); err != nil {
			b.Fatal(err)
		}
	}
}
