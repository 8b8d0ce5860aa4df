package draw_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/scenario/draw"
)

func TestParseSizeReadsSizesRangesAndLists(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		parts []draw.Part
		mean  float64
		max   int
		back  string
	}{
		"0":                    {nil, 0, 0, "0"},
		"100":                  {[]draw.Part{{1e6, 100, 100}}, 100, 100, "100"},
		"1KB":                  {[]draw.Part{{1e6, 1000, 1000}}, 1000, 1000, "1KB"},
		"1.5 KiB":              {[]draw.Part{{1e6, 1536, 1536}}, 1536, 1536, "1536"},
		"100B..2kB":            {[]draw.Part{{1e6, 100, 2000}}, 1050, 2000, "100..2KB"},
		"90%:100, 10% : 64KiB": {[]draw.Part{{9e5, 100, 100}, {1e5, 65536, 65536}}, 6643.6, 65536, "90%:100,10%:64KiB"},
		"99.9%:0,0.1%:1..3":    {[]draw.Part{{999000, 0, 0}, {1000, 1, 3}}, .002, 3, "99.9%:0,0.1%:1..3"},
		"512MiB":               {[]draw.Part{{1e6, 512 << 20, 512 << 20}}, 512 << 20, 512 << 20, "512MiB"},
	} {
		got, err := draw.ParseSize(text)
		if err != nil || !reflect.DeepEqual(got.Parts, want.parts) || got.String() != want.back {
			t.Errorf("ParseSize(%q) = %+v (%s), %v, want %+v (%s)", text, got, got, err, want.parts, want.back)
		}
		if got.Max() != want.max || math.Abs(got.Mean()-want.mean) > 1e-9*want.mean {
			t.Errorf("%s: mean %f and max %d, want %f and %d", text, got.Mean(), got.Max(), want.mean, want.max)
		}
	}
}

func TestParseSizeSaysWhatIsWrongAndHowToWriteIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":            "not a size",
		"-1":          "not a size",
		"1.5":         "not a size",
		"513MiB":      "at most 512MiB",
		"1XB":         "not a size",
		"5..1":        "upper end 1 is below the lower end 5",
		"90%:1,20%:2": "add up to 110%",
		"90%:1":       "add up to 90%",
		"90%:1,2":     `"2" has no share`,
		"0%:1,100%:2": "more than 0%",
		"0.00001%:1":  "steps of 0.0001%",
		"90:1,10%:2":  `"90" is not a share`,
		"x%:1,10%:y":  `"y" is not a size`,
	} {
		got, err := draw.ParseSize(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "90%:100,10%:64KiB") {
			t.Errorf("ParseSize(%q) = %v, %v, want %q and an example", text, got, err, want)
		}
	}
}

// drawSize draws any distribution that text can say.
func drawSize(t *rapid.T) draw.Size {
	const largest = 512 << 20
	var s draw.Size
	left := 1_000_000
	for range rapid.IntRange(0, 5).Draw(t, "parts") {
		p := draw.Part{Share: rapid.IntRange(1, left).Draw(t, "share"), Low: rapid.IntRange(0, largest).Draw(t, "low")}
		p.High = rapid.OneOf(rapid.Just(p.Low), rapid.IntRange(p.Low, largest)).Draw(t, "high")
		s.Parts = append(s.Parts, p)
		if left -= p.Share; left == 0 {
			break
		}
	}
	if n := len(s.Parts); n > 0 {
		s.Parts[n-1].Share += left
	}
	if len(s.Parts) == 1 && s.Parts[0].High == 0 {
		return draw.Size{}
	}
	return s
}

func TestSizesSurviveTextAndJSONAndStayInTheirBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawSize(t)
		if got, err := draw.ParseSize(want.String()); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("ParseSize(%q) = %+v, %v", want, got, err)
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got draw.Size
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s reads back as %+v, %v", text, got, err)
		}
		seed, n := rapid.Uint64().Draw(t, "seed"), rapid.Int64().Draw(t, "n")
		size, in := want.At(seed, n), len(want.Parts) == 0
		for _, p := range want.Parts {
			in = in || p.Low <= size && size <= p.High
		}
		if !in || size != want.At(seed, n) {
			t.Fatalf("%s: job %d has %d bytes", want, n, size)
		}
	})
}

func TestSizesFollowTheirShares(t *testing.T) {
	t.Parallel()
	s, err := draw.ParseSize("90%:0..999,10%:64KiB")
	if err != nil {
		t.Fatal(err)
	}
	const n = 100_000
	var small []float64
	var sum float64
	for i := range int64(n) {
		v := s.At(7, i)
		sum += float64(v)
		if v < 1000 {
			small = append(small, float64(v)+.5)
		}
	}
	if d := math.Abs(float64(len(small)) - .9*n); d > 4*math.Sqrt(n*.9*.1) {
		t.Errorf("%d of %d are small, want 90%%", len(small), n)
	}
	if got := ks(small, func(x float64) float64 { return x / 1000 }); got > 1.1 {
		t.Errorf("the small ones differ from uniform by %f of what is allowed", got)
	}
	if got := sum / n; math.Abs(got-s.Mean()) > .03*s.Mean() {
		t.Errorf("the mean is %f, want %f", got, s.Mean())
	}
	if same := s.At(7, 1) == s.At(8, 1) && s.At(7, 2) == s.At(8, 2) && s.At(7, 3) == s.At(8, 3) && s.At(7, 4) == s.At(8, 4); same {
		t.Error("another seed gives the same sizes")
	}
}

func FuzzParseSize(f *testing.F) {
	for _, seed := range []string{"0", "100", "1KB", "100..2KB", "90%:100,10%:64KiB", "1.5MiB", "33.3333%:1..2,66.6667%:5k"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := draw.ParseSize(text)
		if err != nil {
			return
		}
		again, err := draw.ParseSize(s.String())
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("ParseSize(%q) prints %q, which reads back as %+v, %v", text, s, again, err)
		}
		if v := s.At(1, 1); s.Validate() != nil || v < 0 || v > s.Max() {
			t.Fatalf("%s gives %d", s, v)
		}
	})
}
