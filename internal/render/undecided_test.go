package render_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/result"
)

func TestEveryReportSaysThatAThresholdIsUndecided(t *testing.T) {
	t.Parallel()
	r := &result.Result{
		Run: result.Info{Scenario: "x"}, Validity: result.Validity{Verdict: result.Valid},
		Window: result.Window{Scheduled: 400, Completed: 400},
		Thresholds: []result.Threshold{
			{Expr: "lost == 0", Passed: true},
			{Expr: "end_to_end.p99 < 50ms", Undecided: true, Reason: "too few jobs"},
		},
	}
	for name, c := range map[string]struct {
		encode render.Encoder
		want   string
	}{
		"text":     {render.Text(render.Options{}), "UNDECIDED  end_to_end.p99 < 50ms: too few jobs"},
		"markdown": {render.Markdown, "| **undecided** |"},
		"summary":  {render.Summary, "**undecided**"},
		"junit":    {render.JUnit, `<error type="undecided" message="too few jobs">`},
		"json":     {render.JSON, `"undecided": true`},
	} {
		var b bytes.Buffer
		if err := c.encode(&b, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if text := b.String(); !strings.Contains(text, c.want) || strings.Contains(text, "**fail**") || strings.Contains(text, "<failure") || strings.Contains(text, "FAIL ") {
			t.Errorf("%s: want %q and no failure in\n%s", name, c.want, text)
		}
	}
}
