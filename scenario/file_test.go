package scenario_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestParseReadsEveryKeyInTheOrderOfTheFile(t *testing.T) {
	t.Parallel()
	got, err := scenario.Parse("f.yaml", []byte("\uFEFF"+`version: 1
scenarios:
  zeta:
    description: Is it all read?
    load: {rate: 2k/s, duration: 1m30s, jobs: 5_000, arrivals: poisson}
    producers: 2
    consumers: 3
    subscribers: 4
    batch: 5
    payload: 1KiB
    work: {time: 1ms}
    warmup: 2s
    drain_timeout: 30s
    thresholds:
      - end_to_end.p99 < 50ms
      - "queue: p(99) < 5"
    seed: 9007199254740991
  alpha:
    description: >
      Is a folded
      text one line?
    load: {rate: max, in_flight: 64}
    payload: 1.5KB
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []scenario.Scenario{{
		Name: "zeta", Description: "Is it all read?",
		Load:      scenario.Load{Rate: pace.PerSecond(2000), Duration: 90 * time.Second, Jobs: 5000, Arrivals: pace.Poisson},
		Producers: 2, Consumers: 3, Subscribers: 4, Batch: 5, Payload: 1024,
		Work: scenario.Work{Time: time.Millisecond}, Warmup: 2 * time.Second, DrainTimeout: 30 * time.Second,
		Thresholds: []string{"end_to_end.p99 < 50ms", "queue: p(99) < 5"}, Seed: 1<<53 - 1,
	}, {
		Name: "alpha", Description: "Is a folded text one line?",
		Load: scenario.Load{InFlight: 64}, Payload: 1500,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

func TestParseReadsRatesAndSizesInEveryForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]pace.Rate{
		"1000": pace.PerSecond(1000), "1000/s": pace.PerSecond(1000), `"1000"`: pace.PerSecond(1000),
		"1_000": pace.PerSecond(1000), "1.5k": pace.PerSecond(1500), "30/m": {Jobs: 30, Per: time.Minute}, "max": {},
	} {
		got, err := scenario.Parse("f", fmt.Appendf(nil, "version: 1\nscenarios: {a: {load: {rate: %s}}}", text))
		if err != nil || got[0].Load.Rate != want {
			t.Errorf("rate %s = %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]int{
		"0": 0, "100": 100, "100B": 100, "1 KB": 1000, "1kB": 1000, "2k": 2000, "1KiB": 1024, "2MB": 2e6, "1.5MiB": 3 << 19,
	} {
		got, err := scenario.Parse("f", fmt.Appendf(nil, "version: 1\nscenarios: {a: {load: {rate: 1}, payload: %s}}", text))
		if err != nil || got[0].Payload != want {
			t.Errorf("payload %s = %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestAnchorsAndMergeKeysSaveRepetition(t *testing.T) {
	t.Parallel()
	got, err := scenario.Parse("f.yaml", []byte(`version: 1
scenarios:
  base: &base
    load: &load {rate: 100/s, duration: 5s}
    consumers: 7
  more:
    consumers: 9
    <<: *base
  other: {load: {<<: [{rate: 1/s}, *load], jobs: 8}}
`))
	if err != nil {
		t.Fatal(err)
	}
	load := scenario.Load{Rate: pace.PerSecond(100), Duration: 5 * time.Second}
	want := []scenario.Scenario{
		{Name: "base", Load: load, Consumers: 7},
		{Name: "more", Load: load, Consumers: 9},
		{Name: "other", Load: scenario.Load{Rate: pace.PerSecond(1), Duration: 5 * time.Second, Jobs: 8}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

func TestAllFaultsOfAFileComeAtOnceAtTheirPlaces(t *testing.T) {
	t.Parallel()
	_, err := scenario.Parse("scenarios.yaml", []byte(`version: 1
scenarios:
  steady:
    load: {rate: 1000/q, duration: 10, arrivals: posson}
    producer: 2
    consumers: "8"
    subscribers: 0
    work: 1ms
    warmup: 2 s
    rate: 10/s
    drain_timeout: -10s
    thresholds: ["end_to_end.p99 < 50", 'é', lost: 0]
  Steady2:
    load: {rate: max, duration: 10s, in_flight: 3}
    batch: 10
    warmup: 30s
    payload: 1XB
  steady:
    load: {rate: max, rate: 1, jobs: 010}
  bare: {seed: -1}
verson: 2
`))
	var got []string
	var all scenario.FileErrors
	if !errors.As(err, &all) {
		t.Fatalf("Parse = %v, want FileErrors", err)
	}
	for _, f := range all {
		got = append(got, fmt.Sprintf("%d:%d: %s", f.Line, f.Column, f.Message))
	}
	want := []string{
		`4:18: rate "1000/q": the unit after the slash is s, m, h or a duration; write it like 500, 500/s, 2k/s, 30/m or max`,
		`4:36: "10" has no unit; write it like 10s or 10ms`,
		`4:50: unknown arrivals "posson" (did you mean "poisson"?); there are constant and poisson`,
		`5:5: unknown key "producer" (did you mean "producers"?)`,
		`6:16: expected a whole number such as 8, or external, found the text "8"`,
		`7:18: "0" must be at least 1; leave the key out for the default`,
		`8:11: expected a mapping such as {time: 1ms}, found the text "1ms"`,
		`9:13: "2 s" is not a duration; write it like 10s, 1m30s or 500ms`,
		`10:5: unknown key "rate"; it belongs below load`,
		`11:20: "-10s" must be greater than zero; leave the key out for the default`,
		`12:36: a duration needs a unit; write 50ms or 50s`,
		`12:42: a metric is missing; write it like end_to_end.p99 < 50ms`,
		`12:52: expected a condition such as "lost == 0", found the number 0`,
		`13:3: name: "Steady2" is not a name; use 1 to 63 lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit`,
		`14:38: load.in_flight: 3 is less than the batch of 10, so a push could never be filled; raise it to at least 10`,
		`16:5: warmup: 30s leaves nothing of the load's 10s to measure; it is part of load.duration, so make that longer`,
		`17:14: size "1XB": "1XB" is not a size in bytes of at most 512MiB; write it like 100, 1KB, 100..2KB or 90%:100,10%:64KiB`,
		`18:3: key "steady" stands here twice, first on line 3; remove one`,
		`19:23: key "rate" stands here twice, first on line 19; remove one`,
		`19:38: 010 begins with a zero, which some read as octal; remove it`,
		`20:3: load.rate is missing; write load: {rate: 1000/s}, rate: max for a closed loop, or steps`,
		`20:16: "-1" is not a whole number from 0 to 9007199254740991`,
		`21:1: unknown key "verson" (did you mean "version"?)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestAFaultIsPrintedWithItsLineAndACaret(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ source, want string }{
		{"version: 1\nscenarios: {a: {load: {rate: 1}, bach: 2}}", `f.yaml:2:34: unknown key "bach" (did you mean "batch"?)
    2 | scenarios: {a: {load: {rate: 1}, bach: 2}}
      |                                  ^`},
		{"version: 1\nscenarios: {a: {load: {rate: 1}, description: \"" + strings.Repeat("é", 100) + "\", bach: 2}}", `f.yaml:2:151: unknown key "bach" (did you mean "batch"?)
    2 | ...` + strings.Repeat("é", 57) + `", bach: 2}}
      | ` + strings.Repeat(" ", 63) + `^`},
	} {
		_, err := scenario.Parse("f.yaml", []byte(row.source))
		if err == nil || err.Error() != row.want {
			t.Errorf("Parse says\n%v\nwant\n%s", err, row.want)
		}
	}
}

func TestFilesThatAreNoScenariosAreRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 20_000)
	for _, row := range []struct{ name, source, says string }{
		{"empty", "", "f:1:1: the file is empty"},
		{"comments only", "# nothing\n", "the file is empty"},
		{"text", "hello", "f:1:1: expected a mapping"},
		{"list", "- 1", "f:1:1: expected a mapping such as version: 1 and scenarios: {...}, found a list"},
		{"no version", "scenarios: {a: {load: {rate: 1}}}", "f:1:1: the version is missing"},
		{"version of the future", "version: 2\nscenarios: {a: {load: {rate: 1}}}", "f:1:10: version 2 is not supported"},
		{"no list", "version: 1", "f:1:1: there are no scenarios"},
		{"empty list", "version: 1\nscenarios: {}", "f:2:12: there are no scenarios"},
		{"null list", "version: 1\nscenarios:\n", "f:2:11: expected a mapping"},
		{"null scenario", "version: 1\nscenarios:\n  a:\n", "f:3:5: expected a mapping"},
		{"tab", "version: 1\nscenarios:\n\ta: 1", "indent with spaces"},
		{"syntax", "version: [1", "f:1:10: not YAML"},
		{"two documents", "version: 1\n---\nversion: 1\n", "f:3:1: a second document begins here"},
		{"control character", "version: 1\n# \x1b[2J", "f:2:3: control character U+001B"},
		{"bytes that are not text", "version: 1\n\xff", "f:2:1: the line is not UTF-8 text"},
		{"tag", "version: !!int 1", `found the tag "!!int"`},
		{"alias of nothing", "version: *one", `alias "one" has no anchor before it`},
		{"too large", strings.Repeat(" ", 1<<20+1), "split it"},
		{"too many keys", strings.Repeat("a: 1\n", 100_000), "f:10001:1: the file has more than 30,000 words"},
		{"deep brackets", deep, "nested more than 32 deep"},
		{"deep dashes", strings.Repeat("- ", 14_000), "nested more than 32 deep"},
		{"deep anchors", strings.Repeat("&a ", 9_000), "nested more than 32 deep"},
		{"an alias for itself", "version: 1\nscenarios: &s {a: *s}", "unknown key"},
		{"an anchor of an alias", "version: &v *v", "not YAML"},
		{"a merge of itself", "version: 1\nscenarios: {a: &a {<<: *a}}", "merged mappings are nested"},
	} {
		_, err := scenario.Parse("f", []byte(row.source))
		if err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: Parse = %v, want it to contain %q", row.name, err, row.says)
		}
	}
}

// TestAliasesCannotMultiplyAFile merges a large mapping into many others. What
// the file stands for has a bound, and not only what it holds.
func TestAliasesCannotMultiplyAFile(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("version: 1\nscenarios:\n  a: &a\n    load: {rate: 1}\n")
	for i := range 2000 {
		fmt.Fprintf(&b, "    k%d: 1\n", i)
	}
	for i := range 2000 {
		fmt.Fprintf(&b, "  s%d: *a\n", i)
	}
	_, err := scenario.Parse("f", []byte(b.String()))
	var all scenario.FileErrors
	if !errors.As(err, &all) {
		t.Fatal("a file that stands for four million keys was read")
	}
	last := false
	for _, f := range all {
		last = last || strings.Contains(f.Message, "aliases of the file stand for more")
	}
	if !last {
		t.Errorf("%d faults and none of them says that the aliases are too many", len(all))
	}
}

func TestASeedThatOthersWouldRoundIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"9007199254740991": "", "0": "", "9007199254740992": "2^53-1", "18446744073709551615": "2^53-1",
		"18446744073709551616": "2^53-1", "-1": "from 0 to 9007199254740991", "1.5": "expected a whole number",
	} {
		_, err := scenario.Parse("f", fmt.Appendf(nil, "version: 1\nscenarios: {a: {load: {rate: 1}, seed: %s}}", text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("seed: %s: %v, want %q", text, err, want)
		}
	}
}
