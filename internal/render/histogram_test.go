package render_test

import (
	"bytes"
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/result"
)

// row is a row of a percentile file as hdr-plot reads it: it matches this
// expression at the start of a line and passes over what does not match.
var row = regexp.MustCompile(`^\s+([0-9.]+)\s+([0-9.]+)\s+([0-9]+)(?:\s+([0-9.]+))?$`)

type percentile struct {
	ms, q float64
	count int64
	nines string
}

func percentiles(t *testing.T, text string) []percentile {
	t.Helper()
	var out []percentile
	for _, line := range strings.Split(text, "\n") {
		if m := row.FindStringSubmatch(line); m != nil {
			var p percentile
			p.ms, _ = strconv.ParseFloat(m[1], 64)
			p.q, _ = strconv.ParseFloat(m[2], 64)
			p.count, _ = strconv.ParseInt(m[3], 10, 64)
			p.nines = m[4]
			out = append(out, p)
		}
	}
	return out
}

// nearestRank is the value of rank ceil(q*n) and how many are no larger, by
// counting.
func nearestRank(bars []hdrhistogram.Bar, n int64, q float64) (value, count int64) {
	rank := max(1, int64(math.Ceil(q*float64(n)-1e-6)))
	for _, bar := range bars {
		if count += bar.Count; count >= rank {
			return bar.To, count
		}
	}
	return 0, 0
}

func TestPercentileFileReadsBackAsTheHistogram(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*result.Result{"steady": rendertest.Steady(t), "lossy": rendertest.Lossy(t), "outlier": rendertest.Outlier(t)} {
		for _, stage := range rendertest.Usual() {
			text := written(t, render.HGRM(stage), r)
			rows := percentiles(t, text)
			h, err := hdrhistogram.Decode([]byte(r.Stages[stage].HDR))
			if err != nil {
				t.Fatal(err)
			}
			bars := h.Distribution()
			if len(rows) < 20 {
				t.Fatalf("%s of %s has %d rows", stage, name, len(rows))
			}
			for i, p := range rows {
				if i > 0 && (p.q < rows[i-1].q || p.count < rows[i-1].count || p.ms < rows[i-1].ms) {
					t.Errorf("%s of %s: row %+v is below the row before it", stage, name, p)
				}
				if value, count := nearestRank(bars, h.TotalCount(), p.q); math.Abs(p.ms-float64(value)/1e6) > 0.0006 || p.count != count {
					t.Errorf("%s of %s at %v: %v ms and %d values, want %d ns and %d", stage, name, p.q, p.ms, p.count, value, count)
				}
				if last := i == len(rows)-1; last != (p.nines == "") {
					t.Errorf("%s of %s: row %d of %d has %q in its fourth column", stage, name, i, len(rows), p.nines)
				}
			}
			if last := rows[len(rows)-1]; last.q != 1 || last.count != h.TotalCount() {
				t.Errorf("%s of %s ends with %+v, want all %d", stage, name, last, h.TotalCount())
			}
			total := regexp.MustCompile(`Total count    = +` + strconv.FormatInt(h.TotalCount(), 10) + `\]`)
			if !total.MatchString(text) {
				t.Errorf("%s of %s has no total count of %d", stage, name, h.TotalCount())
			}
		}
	}
}

func TestEveryRowOfAPercentileFileBeginsWithABlank(t *testing.T) {
	t.Parallel()
	r := rendertest.Steady(t)
	r.Stages[metric.EndToEnd] = rendertest.Summarise(100, 100, func(i, _ int) int64 { return int64(i+1) * 36e9 })
	text := written(t, render.HGRM(metric.EndToEnd), r)
	for _, line := range strings.Split(strings.TrimSpace(text), "\n")[2:] {
		if !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "#") {
			t.Errorf("row %q would be ignored", line)
		}
	}
}

// intervals reads a log back with the library, by tag.
func intervals(t *testing.T, log []byte) (map[string]*hdrhistogram.Histogram, map[string][]*hdrhistogram.Histogram) {
	t.Helper()
	sum, rows := map[string]*hdrhistogram.Histogram{}, map[string][]*hdrhistogram.Histogram{}
	reader := hdrhistogram.NewHistogramLogReader(bytes.NewReader(log))
	for {
		h, err := reader.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			return sum, rows
		}
		rows[h.Tag()] = append(rows[h.Tag()], h)
		if sum[h.Tag()] == nil {
			sum[h.Tag()] = hdrhistogram.New(latency.Lowest, latency.Highest, latency.Digits)
		}
		if dropped := sum[h.Tag()].Merge(h); dropped > 0 {
			t.Fatalf("%d values of tag %q do not fit", dropped, h.Tag())
		}
	}
}

func TestIntervalsAddUpToTheWhole(t *testing.T) {
	t.Parallel()
	start := time.UnixMilli(1_773_500_966_535)
	var log bytes.Buffer
	l, err := render.NewIntervalLog(&log, start)
	if err != nil {
		t.Fatal(err)
	}
	whole := map[metric.Stage]*latency.Histogram{}
	for second := range 5 {
		for _, stage := range rendertest.Usual() {
			if whole[stage] == nil {
				whole[stage] = latency.New()
			}
			h := latency.New()
			for i := range 100 * second { // the first is empty
				h.Record(rendertest.Tail(rendertest.Medians()[stage])(i, 100*second))
			}
			whole[stage].Merge(h)
			from := time.Duration(second) * time.Second
			// The run's clock started 250 ms after the log's.
			err := l.Add(latency.Interval{Stage: stage, From: start.Add(from + 250*time.Millisecond), Start: from, Length: time.Second, Histogram: h})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	sum, rows := intervals(t, log.Bytes())
	for _, stage := range rendertest.Usual() {
		got, want := sum[string(stage)], whole[stage]
		code, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		expected, err := hdrhistogram.Decode([]byte(code))
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equals(expected) {
			t.Errorf("the intervals of %s do not add up to the whole", stage)
		}
		if n := len(rows[string(stage)]); n != 4 {
			t.Errorf("%s has %d rows, want 4: an empty interval has none", stage, n)
		}
		for i, h := range rows[string(stage)] {
			at := start.UnixMilli() + int64(i+1)*1000 + 250
			// The reader goes through floating point and cuts.
			if d := h.StartTimeMs() - at; d < -1 || d > 1 || h.EndTimeMs()-h.StartTimeMs() < 999 || h.EndTimeMs()-h.StartTimeMs() > 1001 {
				t.Errorf("row %d of %s is from %d to %d, want from %d for 1000", i, stage, h.StartTimeMs(), h.EndTimeMs(), at)
			}
		}
	}
	for _, want := range []string{"#[Histogram log format version 1.3]\n", "#[StartTime: 1773500966.535 (seconds since epoch)", "#[BaseTime: 1773500966.535 (seconds since epoch)]\n"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q", want)
		}
	}
	line := regexp.MustCompile(`(?m)^Tag=[a-z_]+,\d+\.\d{3},\d+\.\d{3},\d+\.\d{3},HISTFAAA[A-Za-z0-9+/=]+$`)
	if n := len(line.FindAllString(log.String(), -1)); n != 4*len(rendertest.Usual()) {
		t.Errorf("%d rows have the right form, want %d", n, 4*len(rendertest.Usual()))
	}
}

func TestWholeRunHoldsEveryStageOfAStoredResult(t *testing.T) {
	t.Parallel()
	r := rendertest.Lossy(t)
	sum, _ := intervals(t, []byte(written(t, render.WholeRun, r)))
	for _, stage := range rendertest.Usual() {
		want, err := hdrhistogram.Decode([]byte(r.Stages[stage].HDR))
		if err != nil {
			t.Fatal(err)
		}
		if got := sum[string(stage)]; got == nil || !got.Equals(want) {
			t.Errorf("%s is not in the log as it is in the result", stage)
		}
	}
}

// fewBytes takes so many bytes and no more.
type fewBytes struct {
	b    bytes.Buffer
	left int
}

func (w *fewBytes) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.b.Write(p[:n])
	w.left -= n
	if n < len(p) {
		return n, errDisk
	}
	return n, nil
}

func TestNoRowFollowsHalfARow(t *testing.T) {
	t.Parallel()
	w := &fewBytes{left: 400}
	l, err := render.NewIntervalLog(w, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	h := latency.New()
	for i := range 1000 {
		h.Record(int64(i * i))
	}
	iv := latency.Interval{Stage: metric.Queue, From: time.Unix(0, 0), Length: time.Second, Histogram: h}
	for l.Add(iv) == nil {
	}
	w.left = 1 << 20 // the disk has room again
	length := w.b.Len()
	if err := l.Add(iv); !errors.Is(err, errDisk) || w.b.Len() != length {
		t.Errorf("Add after an error returned %v and wrote %d bytes, want the error and none", err, w.b.Len()-length)
	}
}

func TestAClockSetBackGivesNoNegativeTime(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	l, err := render.NewIntervalLog(&log, time.Unix(100, 0))
	if err != nil {
		t.Fatal(err)
	}
	h := latency.New()
	h.Record(-5)
	if err := l.Add(latency.Interval{Stage: metric.Lateness, From: time.Unix(90, 0), Length: time.Second, Histogram: h}); err != nil {
		t.Fatal(err)
	}
	if sum, _ := intervals(t, log.Bytes()); sum["lateness"] == nil || sum["lateness"].TotalCount() != 1 {
		t.Errorf("the row cannot be read:\n%s", log.String())
	}
}
