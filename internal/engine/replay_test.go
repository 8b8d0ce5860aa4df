package engine_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/scenario"
)

func TestAFileSaysHowARecordedLoadIsRead(t *testing.T) {
	t.Parallel()
	read := func(replay string) (scenario.Replay, error) {
		all, err := scenario.Parse("f", []byte("version: 1\nscenarios:\n  a:\n    load:\n      replay: "+replay+"\n"))
		if err != nil {
			return scenario.Replay{}, err
		}
		var b bytes.Buffer
		if err := scenario.Encode(&b, all); err != nil {
			return scenario.Replay{}, err
		}
		again, err := scenario.Parse("f", b.Bytes())
		if err != nil || !cmp.Equal(all, again) {
			t.Errorf("%s reads back as %+v, %v, want %+v", b.String(), again, err, all)
		}
		return all[0].Load.Replay, nil
	}
	for text, want := range map[string]scenario.Replay{
		"f.csv":                      {File: "f.csv"},
		"{file: f.csv, unit: µs}":    {File: "f.csv", Unit: "us"},
		"{file: f.csv, unit: \"s\"}": {File: "f.csv", Unit: "s"},
		"{file: f.csv, column: 2, unit: ms, spread: true, speed: 0.5}": {File: "f.csv", Column: "2", Unit: "ms", Spread: true, Speed: .5},
	} {
		if got, err := read(text); err != nil || got != want {
			t.Errorf("%s: Replay = %+v, %v, want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"{file: f.csv, unit: min}":   `"min" is not a unit of time stamps; the units are s, ms, us and ns`,
		"{file: f.csv, spread: 1s}":  "spread",
		"{file: f.csv, units: ms}":   `unknown key "units"`,
		"{file: f.csv, unit: [1,2]}": "s, ms, us or ns",
	} {
		if got, err := read(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: Replay = %+v, %v, want an error with %q", text, got, err, want)
		}
	}
}

func TestARecordedLoadSaysWhatIsNotAsItWasRecorded(t *testing.T) {
	t.Parallel()
	var whole strings.Builder
	for i := range 40 {
		whole.WriteString(time.Unix(1706702400+int64(i/20), 0).UTC().Format(time.RFC3339) + "\n")
	}
	for name, c := range map[string]struct {
		text   string
		spread bool
		wants  []string
	}{
		"whole seconds":         {whole.String(), false, []string{"40 recorded jobs are due in only 2 instants", "--replay-spread"}},
		"whole seconds, spread": {whole.String(), true, []string{"were spread evenly over 1s"}},
		"k6":                    {"metric_name,timestamp\n" + strings.Repeat("http_reqs,1706702400\n", 20), false, []string{"K6_CSV_TIME_FORMAT"}},
		"unsorted":              {"3\n1\n2\n", false, []string{"1 of the recorded times were earlier"}},
		"nothing":               {"1\n2\n3\n", false, nil},
	} {
		file := filepath.Join(t.TempDir(), "f.csv")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := scenario.Scenario{Load: scenario.Load{Replay: scenario.Replay{File: file, Spread: c.spread}}}
		if err := s.Open(); err != nil {
			t.Errorf("%s: Open: %v", name, err)
			continue
		}
		got := strings.Join(s.Load.Replay.Cautions(), "\n")
		if (got == "") != (c.wants == nil) {
			t.Errorf("%s: Cautions() = %q, want %q", name, got, c.wants)
		}
		for _, want := range c.wants {
			if !strings.Contains(got, want) {
				t.Errorf("%s: Cautions() = %q, want %q in it", name, got, want)
			}
		}
	}
}
