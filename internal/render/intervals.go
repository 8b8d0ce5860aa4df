package render

import (
	"fmt"
	"io"
	"time"

	"github.com/queuedyno/queuedyno/internal/latency"
	"github.com/queuedyno/queuedyno/result"
)

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
func wholeRun(w io.Writer, r *result.Result) error {
	l, err := NewIntervalLog(w, r.Run.StartedAt)
	if err != nil {
		return err
	}
	for _, stage := range measured(r) {
		h, err := decode(stage, summary(r, stage))
		if err != nil {
			return err
		}
		from := time.Duration(r.Window.FromNS)
		err = l.Add(latency.Interval{
			Stage: stage, From: r.Run.StartedAt.Add(from), Start: from,
			Length: time.Duration(r.Window.ToNS) - from, Histogram: h,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
