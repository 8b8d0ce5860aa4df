package threshold_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/metric"
	"github.com/queuedyno/queuedyno/internal/threshold"
)

// TestWhatK6WritesIsAnsweredWithTheTextToWrite: and that text is a threshold.
func TestWhatK6WritesIsAnsweredWithTheTextToWrite(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		"p(95)<500":                      "end_to_end.p95 < 500ms",
		" p(99.9) < 1500 ":               "end_to_end.p99.9 < 1.5s",
		"p95<500":                        "end_to_end.p95 < 500ms",
		"avg<200":                        "end_to_end.mean < 200ms",
		"med < 200":                      "end_to_end.p50 < 200ms",
		"max<1s":                         "end_to_end.max < 1s",
		"p(42)<5":                        "end_to_end.p99 < 50ms", // there is no such quantile
		"rate<0.01":                      "failed_ratio < 0.01",
		"count==0":                       "lost == 0",
		"http_req_duration: p(95)<500":   "end_to_end.p95 < 500ms",
		"http_req_duration":              "end_to_end: p(95)<500",
		"http_req_failed: rate<0.02":     "failed_ratio < 0.02",
		"http_req_failed":                "failed: rate<0.01",
		"checks: rate>0.99":              "failed_ratio < 0.01",
		"iterations: count>1000":         "end_to_end.count > 1000",
		"http_reqs: rate>100":            "achieved_rate > 100/s",
		"dropped_iterations: count==0":   "lateness.p99 < 10ms",
		"end_to_end: rate>100":           "achieved_rate > 100/s",
		"end_to_end: 'p(95)<500'":        "end_to_end: p(99)<50",
		`end_to_end: ["p(95)<500"]`:      "end_to_end: p(99)<50",
		"backlog.max: rate<0.5":          "backlog.max < 0",
		"recovery: rate<0.5":             "recovery < 50ms",
		"http_req_duration{s:200}: p(9)": "end_to_end: p(95)<500",
	} {
		_, err := threshold.Parse(expr)
		var syntax *threshold.SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(syntax.Msg, want) {
			t.Errorf("Parse(%q) = %v, want it to say %q", expr, err, want)
			continue
		}
		if _, err := threshold.Parse(want); err != nil {
			t.Errorf("Parse(%q) says to write what is no threshold: %v", expr, err)
		}
	}
	for expr, want := range map[string]string{
		`"lost == 0"`: "remove the quotes", "'p(95)<500'": "remove the quotes", "end_to_end{queue:a}: p(95)<500": "remove the braces",
	} {
		if _, err := threshold.Parse(expr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want %q", expr, err, want)
		}
	}
}

func TestEveryCountOfJobsHasItsShare(t *testing.T) {
	t.Parallel()
	for _, m := range metric.Metrics() {
		count, ok := metric.ShareOf(m.Name)
		if want := regexp.MustCompile(`^(lost|duplicated|out_of_order|corrupt|unreadable|foreign|failed|errors)_ratio$`).MatchString(m.Name); ok != want {
			t.Errorf("ShareOf(%q) = %q, %t, want %t", m.Name, count, ok, want)
		}
		if !ok {
			continue
		}
		of, err := metric.Lookup(count)
		if err != nil || m.Kind != metric.Ratio || m.Better != of.Better {
			t.Errorf("%q is the share of %q: %v", m.Name, count, err)
		}
		if got, err := threshold.Parse(count + ": rate<0.5 abort"); err != nil || got.Metric != m.Name {
			t.Errorf("the rate of %q is %q: %v", count, got.Metric, err)
		}
	}
}
