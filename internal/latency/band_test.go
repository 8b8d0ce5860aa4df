package latency_test

import (
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/queuedyno/queuedyno/internal/latency"
)

// byBand is the oracle: the buckets of the decoded histogram, one by one.
func byBand(h *latency.Histogram) (counts [latency.Bands]int64) {
	for _, b := range h.Buckets() {
		counts[latency.BandOf(b.From)] += b.Count
	}
	return counts
}

func TestBandsAreContiguousAndContainTheirDurations(t *testing.T) {
	t.Parallel()
	for band := range latency.Bands {
		from, to := latency.BandStart(band), latency.BandStart(band+1)
		if from >= to || latency.BandOf(from) != band || latency.BandOf(to-1) != band {
			t.Errorf("band %d is from %d to %d; its ends are in the bands %d and %d", band, from, to, latency.BandOf(from), latency.BandOf(to-1))
		}
	}
	if latency.BandOf(-5) != 0 || latency.BandOf(latency.Highest) >= latency.Bands || latency.BandStart(latency.Bands) <= latency.Highest {
		t.Error("the bands do not cover the range of a histogram")
	}
}

func TestEveryBucketLiesInOneBand(t *testing.T) {
	t.Parallel()
	for _, b := range fill(append(sample(9, 50_000), 0, 1, 3, 4, 2047, 2048, 4095, 4096, latency.Highest)).Buckets() {
		if latency.BandOf(b.From) != latency.BandOf(b.To) && b.To < latency.Highest {
			t.Errorf("the bucket from %d to %d lies in the bands %d to %d", b.From, b.To, latency.BandOf(b.From), latency.BandOf(b.To))
		}
	}
}

func TestCountingByBandIsCountingTheBucketsOfTheDecodedHistogram(t *testing.T) {
	t.Parallel()
	var c latency.BandCounter
	var got, want [latency.Bands]int64
	for seed, n := range []int{1, 10, 1000, 100_000} {
		h := fill(append(sample(uint64(seed), n), -1, 0, 1, latency.Highest))
		code, err := h.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Add(code, &got); err != nil {
			t.Fatal(err)
		}
		for i, v := range byBand(h) {
			want[i] += v
		}
	}
	if got != want {
		t.Errorf("counted %v, want %v", got, want)
	}
}

func TestAHistogramOfAnotherConfigurationIsCounted(t *testing.T) {
	t.Parallel()
	other := hdrhistogram.New(1000, 60_000_000_000, 2)
	for _, v := range []int64{5_000, 70_000, 9_000_000_000} {
		if err := other.RecordValue(v); err != nil {
			t.Fatal(err)
		}
	}
	code, err := other.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	var c latency.BandCounter
	var got [latency.Bands]int64
	if err := c.Add(string(code), &got); err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for _, v := range got {
		n += v
	}
	if n != 3 {
		t.Errorf("%d of 3 jobs are counted", n)
	}
}

func FuzzBandCounter(f *testing.F) {
	code, err := fill(sample(1, 100)).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(code)
	f.Add(code[:len(code)/2])
	f.Add(strings.Replace(code, "HISTFAAA", "HISTFAAB", 1))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 10_000 {
			return
		}
		var c latency.BandCounter
		var got [latency.Bands]int64
		if err := c.Add(s, &got); err != nil {
			if got != [latency.Bands]int64{} {
				t.Error("counts changed with an error")
			}
			return
		}
		h, err := latency.Decode(s)
		if err != nil {
			return // of the checks of the library, only those of the counts are made here
		}
		if want := byBand(h); got != want {
			t.Errorf("counted %v, want %v", got, want)
		}
	})
}

func BenchmarkBandCounter(b *testing.B) {
	code, err := fill(sample(5, 1000)).Encode()
	if err != nil {
		b.Fatal(err)
	}
	var c latency.BandCounter
	var counts [latency.Bands]int64
	b.ReportAllocs()
	for b.Loop() {
		if err := c.Add(code, &counts); err != nil {
			b.Fatal(err)
		}
	}
}
