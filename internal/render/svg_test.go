package render_test

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/result"
)

func TestPicturesAreWellFormedAndWhite(t *testing.T) {
	t.Parallel()
	for name, r := range rendertest.Results(t) {
		for format, e := range map[string]render.Encoder{"percentiles": render.PercentilesSVG, "timeline": render.TimelineSVG} {
			svg := written(t, e, r)
			d := xml.NewDecoder(strings.NewReader(svg))
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%s of %s: %v", format, name, err)
				}
			}
			if first := svg[strings.Index(svg, "<path"):]; !strings.Contains(first[:strings.Index(first, "/>")], "fill:#FFFFFF") {
				t.Errorf("%s of %s does not begin with a white ground", format, name)
			}
			for _, text := range strings.Split(svg, "<text")[1:] {
				if !strings.Contains(text[:strings.Index(text, ">")], "sans-serif") {
					t.Errorf("%s of %s has a text without a font to fall back on: %s", format, name, text)
				}
			}
		}
	}
}

// xs are the smallest and the largest x of all paths.
func xs(t *testing.T, svg string) (least, most float64) {
	t.Helper()
	least = 1e9
	for _, m := range regexp.MustCompile(`[ML](-?[0-9.e+]+),(-?[0-9.e+]+)`).FindAllStringSubmatch(svg, -1) {
		x, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		least, most = min(least, x), max(most, x)
	}
	return least, most
}

func TestNothingIsDrawnOutsideThePicture(t *testing.T) {
	t.Parallel()
	for name, r := range rendertest.Results(t) {
		for format, e := range map[string]render.Encoder{"percentiles": render.PercentilesSVG, "timeline": render.TimelineSVG} {
			if least, most := xs(t, written(t, e, r)); least < 0 || most > 820 {
				t.Errorf("%s of %s reaches from %v to %v, want 0 to 820", format, name, least, most)
			}
		}
	}
}

func TestAWholeDayStaysASmallPicture(t *testing.T) {
	t.Parallel()
	r := rendertest.Steady(t)
	row := r.Timeline[2]
	r.Timeline = nil
	for i := range 86_400 {
		row.ElapsedS = float64(i + 1)
		r.Timeline = append(r.Timeline, row)
	}
	r.Window.ToNS = 86_400e9
	svg := written(t, render.TimelineSVG, r)
	if len(svg) > 300_000 {
		t.Errorf("the picture of a day has %d bytes", len(svg))
	}
	if !strings.Contains(svg, "a step is 72 rows") {
		t.Error("the picture does not say that a step is more than a second")
	}
}

func TestPicturesSayWhenThereIsNothingToShow(t *testing.T) {
	t.Parallel()
	for format, e := range map[string]render.Encoder{"percentiles": render.PercentilesSVG, "timeline": render.TimelineSVG} {
		if svg := written(t, e, rendertest.Empty()); !strings.Contains(svg, "Nothing to show") {
			t.Errorf("%s of a run without jobs does not say so", format)
		}
		if svg := written(t, e, rendertest.Steady(t)); strings.Contains(svg, "Nothing to show") {
			t.Errorf("%s of a good run says that there is nothing", format)
		}
	}
}

func TestPercentilePictureSaysThatJobsNeverArrived(t *testing.T) {
	t.Parallel()
	if svg := written(t, render.PercentilesSVG, rendertest.Lossy(t)); !strings.Contains(svg, "60 jobs of 5,000") {
		t.Error("the picture of a run with losses does not mention them")
	}
	if svg := written(t, render.PercentilesSVG, rendertest.Steady(t)); strings.Contains(svg, "never arrived") {
		t.Error("the picture of a run without losses mentions losses")
	}
}

func TestARowInWhichNothingCompletedIsAGap(t *testing.T) {
	t.Parallel()
	lines := func(r *result.Result) int { return strings.Count(written(t, render.TimelineSVG, r), "<path") }
	whole, gap := rendertest.Steady(t), rendertest.Steady(t)
	gap.Timeline[3].Stages = nil
	// A gap makes two lines of each of p50, p90 and p99.
	if got, want := lines(gap), lines(whole)+3; got != want {
		t.Errorf("a gap gives %d paths, want %d", got, want)
	}
}

func TestOneJobIsALineAndNotNothing(t *testing.T) {
	t.Parallel()
	r := rendertest.Steady(t)
	r.Window.Scheduled, r.Window.Completed = 1, 1
	r.Stages = map[metric.Stage]*result.StageSummary{metric.EndToEnd: rendertest.Summarise(1, 1, rendertest.Tail(300_000))}
	svg := written(t, render.PercentilesSVG, r)
	for _, path := range strings.Split(svg, "<path")[1:] {
		path = path[:strings.Index(path, "/>")]
		if !strings.Contains(path, "stroke-width:3") || strings.Contains(path, "stroke-width:3.") {
			continue
		}
		// The legend's sample is a line of that width too, and is short.
		if least, most := xs(t, path); most-least > 100 {
			return
		}
	}
	t.Error("the only job is not drawn")
}
