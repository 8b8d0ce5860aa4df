package scenario_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/scenario"
)

// TestAKeyIsWrittenOnOneLineOrAsAMapping reads both forms to the same scenario.
func TestAKeyIsWrittenOnOneLineOrAsAMapping(t *testing.T) {
	t.Parallel()
	read := func(lines string) scenario.Scenario {
		t.Helper()
		if !strings.Contains(lines, "load:") {
			lines = "load: {rate: 1, duration: 1m}\n    " + lines
		}
		all, err := scenario.Parse("f", []byte("version: 1\nscenarios:\n  a:\n    "+lines+"\n"))
		if err != nil {
			t.Fatalf("%s: %v", lines, err)
		}
		return all[0]
	}
	for line, mapping := range map[string]string{
		"tenants: 7":                          "tenants: {count: 7}",
		`tenants: "100:1.2"`:                  "tenants: {count: 100, skew: 1.2}",
		"hold: 10s":                           "hold: {for: 10s}",
		"hold: 5s+10s":                        "hold: {from: 5s, for: 10s}",
		"load: {replay: due.csv}":             "load: {replay: {file: due.csv}}",
		"queues: 3":                           "queues: [1, 1, 1]",
		`load: {steps: "30s:500,1m:2k"}`:      `load: {steps: ["30s:500", "1m:2k"]}`,
		`load: {stages: "30s:500"}`:           `load: {steps: "30s:500"}`, // its old name
		`consumers: external` + updateOneLine: `consumers: external` + updateMapping,
	} {
		if diff := cmp.Diff(read(mapping), read(line)); diff != "" {
			t.Errorf("%s and %s differ (-mapping +line):\n%s", line, mapping, diff)
		}
	}
}

const (
	updateOneLine = "\n    update: 'id=.id,status=.state,completed=done|ok'"
	updateMapping = "\n    update: {id: .id, status: .state, completed: [done, ok]}"
)

func TestAValueOfTheWrongFormIsRefusedAtItsPlace(t *testing.T) {
	t.Parallel()
	for lines, want := range map[string]string{
		"batch: 2.5":               `f:5:12: expected a whole number such as 2, found the number 2.5`,
		`batch: "2"`:               `expected a whole number such as 2, found the text "2"; remove the quotes`,
		"work: 5ms":                `f:5:11: expected a mapping such as {time: 1ms}, found the text "5ms"`,
		"work: {running: yes}":     `expected true or false, found the text "yes"`,
		"tenants: true":            `expected a mapping such as {count: 100, skew: 1.1}, found the truth value true`,
		"tenants: {count: 0}":      `"0" must be at least 1; leave the key out for the default`,
		"hold: 10":                 `"10" has no unit; write it like 10s or 10ms`,
		"hold:":                    `expected a mapping such as {from: 5s, for: 10s}, found nothing`,
		"queues: []":               `is neither a number of queues, such as 3, nor their weights`,
		"queues: [1, x]":           `expected a whole number such as 2, found the text "x"`,
		"design: 5":                `expected text in quotes such as "steady", found the number 5`,
		`job_class: ""`:            `it is empty; leave the key out for the default`,
		"payload: [1, 2]":          `expected a size such as 100, 1KB or 90%:100,10%:64KiB, found a list`,
		"tenants: {cuont: 3}":      `unknown key "cuont" (did you mean "count"?)`,
		"skew: 1.2":                `unknown key "skew"; it belongs below tenants`,
		"update: {id: [1], x: .y}": `expected text in quotes such as "done", found the number 1`,
	} {
		_, err := scenario.Parse("f", []byte("version: 1\nscenarios:\n  a:\n    load: {rate: 1}\n    "+lines+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: Parse = %v, want %q", lines, err, want)
		}
	}
}

func TestAKeyAndItsOldNameTogetherAreRefused(t *testing.T) {
	t.Parallel()
	_, err := scenario.Parse("f", []byte("version: 1\nscenarios:\n  a:\n    load: {steps: \"1s:1\", stages: \"1s:2\"}\n"))
	if want := "f:4:27: load.steps and its old name stages are both given; remove one"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Parse = %v, want %q", err, want)
	}
}
