package render

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/result"
)

// hgrm writes the percentile distribution of one stage in milliseconds, in the
// text form of the Java HdrHistogram, which its plotters read. What the form
// has no place for, such as jobs that never arrived, follows as comments. An
// empty stage means the result's headline.
func hgrm(r *result.Result, stage metric.Stage) (string, error) {
	stage = cmp.Or(stage, r.Scenario.Headline())
	if !slices.Contains(metric.Stages(), stage) {
		return "", fmt.Errorf("encode percentiles of stage %q: no such stage; it is one of %v", stage, metric.Stages())
	}
	s := summary(r, stage)
	h, err := decode(stage, s)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	percentileRows(&b, h)
	buckets, sub := h.Shape()
	fmt.Fprintf(&b, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", ms(s.MeanNS), ms(s.StddevNS))
	fmt.Fprintf(&b, "#[Max     = %12.3f, Total count    = %12d]\n", float64(h.Max())/1e6, h.Count()-h.Overflow())
	fmt.Fprintf(&b, "#[Buckets = %12d, SubBuckets     = %12d]\n", buckets, sub)
	remarks(&b, r, stage, s)
	return b.String(), nil
}

// ticksPerHalf is the customary resolution of percentile files.
const ticksPerHalf = 5

func percentileRows(b *strings.Builder, h *latency.Histogram) {
	// A blank leads every row: hdr-plot passes over rows without one, and
	// %12.3f has none from ten million milliseconds on.
	fmt.Fprintf(b, " %12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")
	for _, p := range h.Cumulative(ticksPerHalf) {
		if p.Quantile < 1 {
			fmt.Fprintf(b, " %12.3f %2.12f %10d %14.2f\n", float64(p.Value)/1e6, p.Quantile, p.Count, 1/(1-p.Quantile))
			continue
		}
		// 1/(1-1) has no value, and readers stumble over "inf".
		fmt.Fprintf(b, " %12.3f %2.12f %10d\n", float64(p.Value)/1e6, p.Quantile, p.Count)
		return
	}
}

func remarks(b *strings.Builder, r *result.Result, stage metric.Stage, s *result.StageSummary) {
	remark := func(format string, args ...any) {
		fmt.Fprintf(b, "# %s\n", plain(fmt.Sprintf(format, args...)))
	}
	remark("%s of %s, run %s, in milliseconds, against %s", stage, r.Run.Scenario, r.Run.ID, againstWords(r.Scenario, r.Redis, r.Postgres))
	remark("validity: %s", strings.Join(append([]string{verdict(r)}, r.Validity.Reasons...), "; "))
	if s.Censored > 0 {
		remark("%d jobs of the window are in this stage; %d more count as infinitely late and are not in the table", s.Count, s.Censored)
	}
	if s.Overflow > 0 {
		remark("%d values beyond one hour are not in the table", s.Overflow)
	}
	for _, warning := range r.Warnings {
		remark("warning: %s", warning)
	}
}

// decode is the stage's histogram, an empty one where the result has none.
func decode(stage metric.Stage, s *result.StageSummary) (*latency.Histogram, error) {
	if s.HDR == "" {
		if s.Count > s.Overflow {
			return nil, fmt.Errorf("decode stage %q: %w", stage, errNoHistogram)
		}
		return latency.New(), nil
	}
	h, err := latency.Decode(s.HDR)
	if err != nil {
		return nil, fmt.Errorf("decode stage %q: %w", stage, err)
	}
	return h, nil
}

var errNoHistogram = errors.New("the result holds no histogram")

// ms is nanoseconds in milliseconds; the form has no null, so 0 stands for it,
// as it does for an empty histogram.
func ms(ns *float64) float64 {
	if ns == nil || !number.Finite(*ns) {
		return 0
	}
	return *ns / 1e6
}

// IntervalLog writes a HdrHistogram interval log, format 1.3, while a run goes
// on: a row a stage and interval, tagged with the stage. The rows of a stage
// add up to its whole distribution, without loss. It is not safe for
// concurrent use.
type IntervalLog struct {
	w    io.Writer
	base time.Time
	err  error
}

// NewIntervalLog writes the head of the log. Rows count their time from start,
// which is taken to the millisecond.
func NewIntervalLog(w io.Writer, start time.Time) (*IntervalLog, error) {
	l := &IntervalLog{w: w, base: start}
	milli := start.UnixMilli()
	stamp := fmt.Sprintf("%d.%03d", milli/1000, milli%1000)
	l.write("#[Histogram log format version 1.3]\n" +
		"#[StartTime: " + stamp + " (seconds since epoch), " + start.UTC().Format(time.RFC3339) + "]\n" +
		"#[BaseTime: " + stamp + " (seconds since epoch)]\n" +
		`"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"` + "\n")
	return l, l.err
}

// Add writes one interval, and nothing when it is empty. After an error every
// further call returns that error: a row behind half a row could not be read.
func (l *IntervalLog) Add(iv latency.Interval) error {
	if l.err != nil || iv.Histogram == nil || iv.Histogram.Count() == 0 {
		return l.err
	}
	code, err := iv.Histogram.Encode()
	if err != nil {
		l.err = fmt.Errorf("write interval log: %w", err)
		return l.err
	}
	// Readers know no sign; a clock that was set back must not spoil the log.
	from := max(0, iv.From.Sub(l.base))
	l.write(fmt.Sprintf("Tag=%s,%.3f,%.3f,%.3f,%s\n",
		iv.Stage, from.Seconds(), iv.Length.Seconds(), float64(max(0, iv.Histogram.Max()))/1e6, code))
	return l.err
}

func (l *IntervalLog) write(s string) {
	if _, err := io.WriteString(l.w, s); err != nil {
		l.err = fmt.Errorf("write interval log: %w", err)
	}
}

// wholeRun writes the interval log that can be made of a stored result: one
// interval a stage, the window.
func wholeRun(r *result.Result) (string, error) {
	var b strings.Builder
	l, err := NewIntervalLog(&b, r.Run.StartedAt)
	if err != nil {
		return "", err
	}
	for _, stage := range measured(r) {
		h, err := decode(stage, summary(r, stage))
		if err != nil {
			return "", err
		}
		from := time.Duration(r.Window.FromNS)
		err = l.Add(latency.Interval{
			Stage: stage, From: r.Run.StartedAt.Add(from), Start: from,
			Length: time.Duration(r.Window.ToNS) - from, Histogram: h,
		})
		if err != nil {
			return "", err
		}
	}
	return b.String(), nil
}
