package draw_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/scenario/draw"
)

const ms = time.Millisecond

// ks is by how much the sample differs from a distribution function, in units
// of the critical value at 1%, 1.63/sqrt(n).
func ks(sample []float64, f func(float64) float64) float64 {
	slices.Sort(sample)
	n, d := float64(len(sample)), 0.
	for i, x := range sample {
		d = max(d, math.Abs(f(x)-float64(i)/n), math.Abs(f(x)-float64(i+1)/n))
	}
	return d / (1.63 / math.Sqrt(n))
}

// take draws n times, in seconds.
func take(d draw.Duration, seed, stream uint64, n int) []float64 {
	sample, next := make([]float64, n), d.Sampler(seed, stream)
	for i := range sample {
		sample[i] = next().Seconds()
	}
	return sample
}

func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

func TestDrawsFollowTheirLaw(t *testing.T) {
	t.Parallel()
	sigma := math.Log(8) / 2.3263478740408408
	for text, f := range map[string]func(float64) float64{
		"2ms..8ms": func(x float64) float64 { return min(1, max(0, (x-.002)/.006)) },
		"exp(5ms)": func(x float64) float64 { return 1 - math.Exp(-x/.005) },
		"lognormal(p50=5ms,p99=40ms)": func(x float64) float64 {
			return normal(math.Log(x/.005) / sigma)
		},
	} {
		d, err := draw.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := ks(take(d, 1, 2, 50_000), f); got > 1 {
			t.Errorf("%s: the draws differ from their law by %f of what is allowed", text, got)
		}
	}
}

func TestMeanAndCV2AreThoseOfTheDraws(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ mean, cv2 float64 }{
		"5ms":                         {.005, 0},
		"0s":                          {0, 0},
		"2ms..8ms":                    {.005, 36. / 12 / 25},
		"exp(5ms)":                    {.005, 1},
		"lognormal(p50=5ms,p99=15ms)": {.005 * math.Exp(.2230/2), math.Exp(.2230) - 1}, // (ln 3 / 2.3263)² = 0.2230
	} {
		d, err := draw.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Mean().Seconds(); math.Abs(got-want.mean) > 1e-3*want.mean {
			t.Errorf("%s: Mean() = %f, want %f", text, got, want.mean)
		}
		if got := d.CV2(); math.Abs(got-want.cv2) > 1e-3*want.cv2 {
			t.Errorf("%s: CV2() = %f, want %f", text, got, want.cv2)
		}
		var sum, squares float64
		const n = 200_000
		for _, x := range take(d, 3, 4, n) {
			sum += x
			squares += x * x
		}
		mean := sum / n
		if math.Abs(mean-want.mean) > .02*want.mean {
			t.Errorf("%s: the draws' mean is %f, want %f", text, mean, want.mean)
		}
		if mean > 0 {
			if cv2 := squares/n/mean/mean - 1; math.Abs(cv2-want.cv2) > .05*want.cv2+1e-9 {
				t.Errorf("%s: the draws' CV2 is %f, want %f", text, cv2, want.cv2)
			}
		}
	}
}

func TestALognormalLawHitsItsQuantiles(t *testing.T) {
	t.Parallel()
	d, err := draw.ParseDuration("lognormal(p99=40ms, p50=5ms)")
	if err != nil {
		t.Fatal(err)
	}
	sample := take(d, 5, 6, 200_000)
	slices.Sort(sample)
	if got := sample[len(sample)/2]; math.Abs(got-.005) > .02*.005 {
		t.Errorf("the median is %f s, want 5 ms", got)
	}
	if got := sample[len(sample)*99/100]; math.Abs(got-.040) > .04*.040 {
		t.Errorf("the 99th percentile is %f s, want 40 ms", got)
	}
}

func TestTheSameSeedAndStreamDrawTheSame(t *testing.T) {
	t.Parallel()
	d := draw.Duration{Law: draw.Exponential, A: ms}
	first := take(d, 1, 1, 100)
	if !slices.Equal(first, take(d, 1, 1, 100)) {
		t.Error("the same seed and stream draw otherwise")
	}
	if slices.Equal(first, take(d, 2, 1, 100)) || slices.Equal(first, take(d, 1, 2, 100)) {
		t.Error("another seed or stream draws the same")
	}
}

func TestNoDrawLeavesTheBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDuration(t)
		if d.Law == draw.Samples {
			d.Values = []time.Duration{ms, 3 * ms}
		}
		if err := d.Validate(); err != nil {
			t.Fatal(err)
		}
		longest, _ := d.Max()
		next := d.Sampler(rapid.Uint64().Draw(t, "seed"), 0)
		for range 100 {
			if v := next(); v < 0 || v > longest || d.Law == draw.Uniform && v < d.A {
				t.Fatalf("%s draws %s, not within %s", d, v, longest)
			}
		}
	})
}

func TestADrawAllocatesNothing(t *testing.T) {
	choice := draw.Choice{N: 1000, Skew: 1.1}
	picker := choice.Picker()
	size := draw.Size{Parts: []draw.Part{{900_000, 1, 5}, {100_000, 7, 7}}}
	for name, f := range map[string]func(){
		"lognormal": func() func() {
			next := draw.Duration{Law: draw.Lognormal, A: ms, B: 2 * ms}.Sampler(1, 1)
			return func() { next() }
		}(),
		"size":   func() { size.At(1, 2) },
		"choice": func() { choice.At(1, 2) },
		"picker": func() { picker.At(1, 2) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: a draw allocates %f times", name, n)
		}
	}
}

// drawDuration draws any distribution that text can say.
func drawDuration(t *rapid.T) draw.Duration {
	span := func(name string, from, to time.Duration) time.Duration {
		return time.Duration(rapid.Int64Range(int64(from), int64(to)).Draw(t, name))
	}
	d := draw.Duration{Law: rapid.SampledFrom([]draw.Law{draw.Fixed, draw.Uniform, draw.Exponential, draw.Lognormal, draw.Samples}).Draw(t, "law")}
	switch d.Law {
	case draw.Fixed:
		d.A = span("a", 0, time.Hour)
	case draw.Uniform:
		d.A = span("a", 0, time.Hour)
		d.B = span("b", d.A, time.Hour)
	case draw.Exponential:
		d.A = span("a", 1, time.Hour)
	case draw.Lognormal:
		d.A = span("a", 1, time.Hour)
		d.B = span("b", d.A, min(time.Hour, 1000*d.A))
	case draw.Samples:
		d.Path = rapid.StringMatching(`[a-z]([a-z ./)(]*[a-z])?`).Draw(t, "path")
	}
	return d
}

func TestDurationsSurviveTextAndJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawDuration(t)
		if got, err := draw.ParseDuration(want.String()); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("ParseDuration(%q) = %+v, %v", want, got, err)
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got draw.Duration
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s reads back as %+v, %v", text, got, err)
		}
	})
}

func TestParseDurationSaysWhatIsWrongAndHowToWriteIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             "not a time",
		"5":                            `"5" is not a time with its unit`,
		"-5ms":                         "not between 0 and 1h0m0s",
		"2h":                           "not between",
		"8ms..2ms":                     "upper end",
		"2ms..":                        "not a time",
		"exp(0s)":                      "a mean is greater than zero",
		"exp(5ms":                      "no end",
		"gamma(5ms)":                   `no law "gamma"`,
		"lognormal(p50=5ms)":           "each once",
		"lognormal(p50=5ms,p50=6ms)":   "each once",
		"lognormal(p50=5ms,p95=6ms)":   "each once",
		"lognormal(p50=5ms,p99=1ms)":   "between p50 and 1000 times",
		"lognormal(p50=1us,p99=1.1ms)": "between p50 and 1000 times",
		"file()":                       "path",
	} {
		got, err := draw.ParseDuration(text)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "exp(5ms)") {
			t.Errorf("ParseDuration(%q) = %v, %v, want %q and an example", text, got, err, want)
		}
	}
}

func TestSamplesComeFromTheirFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "times")
	if err := os.WriteFile(path, []byte("# measured\n0.001\n\n3ms\n5e-3\n3ms\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := draw.ParseDuration("file(" + path + ")")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Validate(); err == nil {
		t.Error("samples that were not loaded are valid")
	}
	if d, err = d.Load(); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{ms, 3 * ms, 5 * ms, 3 * ms}; !slices.Equal(d.Values, want) || d.Validate() != nil {
		t.Fatalf("Load() = %v, want %v", d.Values, want)
	}
	longest, bounded := d.Max()
	if d.Mean() != 3*ms || math.Abs(d.CV2()-2./9) > 1e-12 || longest != 5*ms || !bounded {
		t.Errorf("mean %s, CV2 %f, max %s, want 3ms, 2/9, 5ms", d.Mean(), d.CV2(), longest)
	}
	count, next := map[time.Duration]int{}, d.Sampler(1, 1)
	const n = 40_000
	for range n {
		count[next()]++
	}
	// Four standard deviations of a binomial of n and 1/4 or 1/2 are at most 400.
	if len(count) != 3 || math.Abs(float64(count[ms]-n/4)) > 400 || math.Abs(float64(count[3*ms]-n/2)) > 400 {
		t.Errorf("the values came %v times", count)
	}
}

func TestReadValuesTellsAllFaultsWithTheirLines(t *testing.T) {
	t.Parallel()
	_, err := draw.ReadValues(strings.NewReader("1ms\nx\n-1\n\n2h\nNaN\n"))
	for _, want := range []string{`line 2: "x"`, `line 3: "-1"`, `line 5: "2h"`, `line 6: "NaN"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ReadValues: %v, want %q in it", err, want)
		}
	}
	if _, err := draw.ReadValues(strings.NewReader("# none\n")); err == nil || !strings.Contains(err.Error(), "no times") {
		t.Errorf("ReadValues of nothing: %v", err)
	}
	if _, err := (draw.Duration{Law: draw.Samples, Path: "no/such/file"}).Load(); err == nil || !strings.Contains(err.Error(), "no/such/file") {
		t.Errorf("Load of no file: %v", err)
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"5ms", "2ms..8ms", "exp(5ms)", "lognormal(p50=5ms,p99=40ms)", "file(a b)", " exp ( 1h ) ", "file())"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := draw.ParseDuration(text)
		if err != nil {
			return
		}
		again, err := draw.ParseDuration(d.String())
		if err != nil || !reflect.DeepEqual(again, d) {
			t.Fatalf("ParseDuration(%q) prints %q, which reads back as %+v, %v", text, d, again, err)
		}
		if d.Mean() < 0 || d.CV2() < 0 || math.IsInf(d.CV2(), 0) || math.IsNaN(d.CV2()) {
			t.Fatalf("%s has mean %s and CV2 %f", d, d.Mean(), d.CV2())
		}
	})
}

func FuzzReadValues(f *testing.F) {
	f.Add("0.001\n5ms\n# x\n1e-3\n")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := draw.ReadValues(strings.NewReader(text))
		if err == nil && (len(values) == 0 || slices.Min(values) < 0 || slices.Max(values) > time.Hour) {
			t.Fatalf("ReadValues(%q) = %v", text, values)
		}
	})
}
