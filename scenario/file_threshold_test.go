package scenario_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/threshold"
	"github.com/queuedyno/queuedyno/scenario"
)

// thresholdsOf reads a file with these thresholds, and shows each in the one form.
func thresholdsOf(t *testing.T, yaml string) (shown []string, err error) {
	t.Helper()
	file := "version: 1\nscenarios:\n  a:\n    load: {rate: 10/s}\n    thresholds:" + yaml + "\n"
	all, err := scenario.Parse("a.yaml", []byte(file))
	if err != nil {
		return nil, err
	}
	for _, expr := range all[0].Thresholds {
		one, err := threshold.Parse(expr)
		if err != nil {
			t.Errorf("%q of%s: %v", expr, yaml, err)
		}
		shown = append(shown, one.String())
	}
	return shown, nil
}

func TestThresholdsAreReadInTheFormsOfK6(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string][]string{
		"\n      - end_to_end: p(99)<50\n      - lost: rate<0.01":    {"end_to_end.p99 < 50ms", "lost_ratio < 0.01"},
		` {end_to_end: ["p(95)<200", "max < 1s"], lost: "count==0"}`: {"end_to_end.p95 < 200ms", "end_to_end.max < 1s", "lost == 0"},
		`
      - {threshold: "lost == 0", abortOnFail: true, delayAbortEval: 10s}
      - {threshold: "failed: rate<5%", abortOnFail: false, delayAbortEval: 10s}`: {"lost == 0 abort after 10s", "failed_ratio < 0.05"},
		`
      end_to_end:
        - threshold: p(95)<200
          abortOnFail: true
          delayAbortEval: 1m30s
        - p(99)<1s
      achieved_rate: ["> 5/s"]`: {"end_to_end.p95 < 200ms abort after 90s", "end_to_end.p99 < 1s", "achieved_rate > 5/s"},
		"\n      - end_to_end.p99: < 50ms":   {"end_to_end.p99 < 50ms"},
		` ["lost == 0", {queue: ["avg<5"]}]`: {"lost == 0", "queue.mean < 5ms"},
	} {
		if got, err := thresholdsOf(t, yaml); err != nil || !slices.Equal(got, want) {
			t.Errorf("thresholds:%s\nare %q, %v; want %q", yaml, got, err, want)
		}
	}
}

func TestThresholdsThatCannotBeReadSayWhatToWrite(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		` {http_req_duration: ["p(95)<500"]}`:            "write end_to_end.p95 < 500ms",
		` ["p(95)<500"]`:                                 "write end_to_end.p95 < 500ms",
		` {end_to_end.p99: 50}`:                          `a condition such as "end_to_end.p99 < 50ms"`,
		` [lost: 0]`:                                     `a condition such as "lost == 0"`,
		` {achieved_rate: 500}`:                          `a condition such as "achieved_rate >= 500"`,
		` [{threshold: "lost == 0", abort: true}]`:       `unknown key "abort"; the keys here are threshold, abortOnFail, delayAbortEval`,
		` [{threshold: "lost == 0", abortOnFail: soon}]`: "abortOnFail",
		` {end_to_end: {p99: 50ms}}`:                     `such as end_to_end: ["p(95)<200"]`,
		` [{lost: *nowhere}]`:                            "has no anchor",
	} {
		got, err := thresholdsOf(t, yaml)
		if err == nil || strings.Count(err.Error(), "a.yaml:") != 1 {
			t.Errorf("thresholds:%s\nare %q, %v; want one fault", yaml, got, err)
		} else if want != "abortOnFail" && !strings.Contains(err.Error(), want) {
			t.Errorf("thresholds:%s\n%v\nwant %q", yaml, err, want)
		}
	}
}
