package render_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/internal/ledger"
	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/internal/render/rendertest"
	"github.com/queuedyno/queuedyno/result"
	"github.com/queuedyno/queuedyno/scenario"
)

// withFaults is a run in which one fault was carried out and recovered from, another one
// was not recovered from, and a third never began.
func withFaults(t *testing.T) *result.Result {
	t.Helper()
	ns := rendertest.Ptr[int64]
	r := rendertest.Steady(t)
	r.Faults = []result.Fault{
		{
			Kind: scenario.PauseFault, Target: scenario.RedisTarget, Fault: "1s+500ms:pause=redis", AtNS: 1e9, UntilNS: ns(15e8),
			BeganNS: ns(1_001_000_000), EndedNS: ns(1_502_000_000), NoticedNS: ns(52e6), FlowingNS: ns(0), DrainedNS: ns(412e6), RecoveredNS: ns(431e6), Affected: ns(931),
		},
		{
			Kind: scenario.KillFault, Target: scenario.RedisTarget, Fault: "3s:kill=redis,restart=1s", AtNS: 3e9, UntilNS: ns(4e9),
			BeganNS: ns(3e9), EndedNS: ns(4_123_000_000), NoticedNS: ns(0), Affected: ns(1234),
			Why:  map[string]string{"flowing": "run_ended", "drained": "run_ended", "recovered": "run_ended"},
			Lost: 17, LostByLeg: map[result.Leg]int64{ledger.LegVanished: 12, ledger.LegUnacknowledged: 5}, Unknown: 9, Found: 4,
			Errors: map[string]int64{"push": 2, "receive": 1}, Duplicated: 3,
		},
		{Kind: scenario.DisconnectFault, Target: scenario.ConsumersTarget, Fault: "5s:disconnect=consumers", AtNS: 5e9, Error: "disconnect: NOPERM <b>no</b>"},
	}
	return r
}

func TestEveryReportSaysWhatTheFaultsDid(t *testing.T) {
	t.Parallel()
	r := withFaults(t)
	for format, text := range map[string]string{"text": textOf(t, r), "md": encodedAs(t, r, "md"), "html": encodedAs(t, r, "html")} {
		for _, want := range []string{
			"pause redis", "1.001 s", "501 ms", "52.0 ms", "412 ms", "431 ms", "931", "kill redis,restart=1s", "1.12 s", "1,234", "17",
			"12 vanished", "9 had no answer, of which 4 arrived", "errors: push 2, receive 1", "the load ended before that", "it did not happen: ",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not hold %q", format, want)
			}
		}
		for _, want := range []string{"stop: pause redis", "crash: kill redis,restart=1s"} {
			if !strings.Contains(textWith(t, nameFaults(r), format), want) {
				t.Errorf("%s does not hold the name in %q", format, want)
			}
		}
		if format != "text" && strings.Contains(text, "<b>no</b>") {
			t.Errorf("%s holds the error of a server as markup", format)
		}
	}
	if plain := textOf(t, rendertest.Steady(t)); strings.Contains(plain, "faults") {
		t.Error("a run without faults has a table of them")
	}
}

func TestTheTimelineNamesTheFaultsThatAreOn(t *testing.T) {
	t.Parallel()
	on := map[string]int{}
	lines := strings.Split(strings.TrimSpace(encodedAs(t, withFaults(t), "timeline-csv")), "\n")
	if !strings.HasSuffix(lines[0], ",faults") {
		t.Fatalf("the last column of %q is not the faults", lines[0])
	}
	for _, line := range lines[1:] {
		on[line[strings.LastIndexByte(line, ',')+1:]]++
	}
	// The second cell has a comma inside and is quoted.
	if on["pause redis"] == 0 || on[`restart=1s"`] == 0 || on[""] == 0 {
		t.Errorf("faults by number of rows: %v, want rows with each that began, and rows without", on)
	}
}

// nameFaults is the result with names for its first two faults.
func nameFaults(r *result.Result) *result.Result {
	named := *r
	named.Faults = slices.Clone(r.Faults)
	for i, name := range []string{"stop", "crash"} {
		named.Faults[i].Name = name
		named.Faults[i].Fault += ",name=" + name
	}
	return &named
}

// textWith is the report of a run in that format, text included.
func textWith(t *testing.T, r *result.Result, format string) string {
	t.Helper()
	if format == "text" {
		return textOf(t, r)
	}
	return encodedAs(t, r, format)
}

func TestAFaultWithANameIsCalledByItInChartsAndTheTimeline(t *testing.T) {
	t.Parallel()
	r := nameFaults(withFaults(t))
	if page := encodedAs(t, r, "html"); !strings.Contains(page, `"label":"crash"`) {
		t.Error("no mark of the charts has the name of the fault alone")
	}
	on := map[string]int{}
	for line := range strings.Lines(encodedAs(t, r, "timeline-csv")) {
		on[strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:])]++
	}
	if on["stop"] == 0 || on["crash"] == 0 {
		t.Errorf("faults by number of rows: %v, want rows with the name of each that began", on)
	}
}

// encodedAs is the report of a run in that format.
func encodedAs(t *testing.T, r *result.Result, format string) string {
	t.Helper()
	var b bytes.Buffer
	if err := render.Of(r).Encode(&b, format, render.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
