package scenario_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/scenario"
)

func TestWhatEncodeWritesParseReads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfNDistinct(rapid.Custom(drawScenario), 1, 4, func(s scenario.Scenario) string { return s.Name }).Draw(t, "scenarios")
		var b bytes.Buffer
		if err := scenario.Encode(&b, want); err != nil {
			t.Fatal(err)
		}
		got, err := scenario.Parse("f", b.Bytes())
		if err != nil {
			t.Fatalf("%v\nof\n%s", err, b.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s\nof\n%s", diff, b.String())
		}
	})
}

func TestEncodeWritesNothingThatParseWouldRefuse(t *testing.T) {
	t.Parallel()
	bad := sound()
	bad.Producers = -1
	for name, scenarios := range map[string][]scenario.Scenario{
		"none": nil, "a fault": {bad}, "two of a name": {sound(), sound()},
	} {
		var b bytes.Buffer
		if err := scenario.Encode(&b, scenarios); err == nil || b.Len() > 0 {
			t.Errorf("%s: Encode = %v after %d bytes, want an error and none", name, err, b.Len())
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"version: 1\nscenarios:\n  a:\n    load: {rate: 1000/s, duration: 10s}\n    thresholds: [\"lost == 0\"]\n",
		"version: 1\nscenarios: {a: &a {load: {rate: max, in_flight: 5}}, b: {<<: *a, batch: 3, payload: 1KiB}}",
		"version: 1\nscenarios:\n  a:\n    description: |\n      x\n      y?\n    load:\n      rate: 1.5\n      jobs: 3\n    seed: 7\n",
		"version: 1\nscenarios:\n  a:\n    load: {rate: 1}\n    entry: {postgres: {connections: 3}}\n    exit: {websocket: {url: \"ws://x/{{.Tenant}}\", clients: 2}}\n",
		"version: 1\nscenarios:\n  a:\n    load: {rate: 1}\n    consumers: external\n    entry: {http: {url: \"http://x/${Y}\", headers: {A: \"$${b\"}, id: .a.b, status: [200]}}\n",
		"version: 1\nscenarios:\n  a: {load: {rate: 1}, entry: postgres}\n",
		"? version\n: 1\n? scenarios\n: {a: {load: {rate: 1}, work: {time: 1ms}, warmup: 1s}}",
		"%YAML 1.2\n---\n!!map {version: 1}\n...\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		scenarios, err := scenario.Parse("f", data)
		if err != nil {
			var all scenario.FileErrors
			if !errors.As(err, &all) || len(all) == 0 || err.Error() == "" {
				t.Fatalf("Parse = %#v, want FileErrors", err)
			}
			return
		}
		for _, s := range scenarios {
			if faults := s.Validate(); len(faults) > 0 {
				t.Fatalf("Parse let through %v", faults)
			}
		}
		var b bytes.Buffer
		if err := scenario.Encode(&b, scenarios); err != nil {
			t.Fatal(err)
		}
		again, err := scenario.Parse("f", b.Bytes())
		if err != nil {
			t.Fatalf("%v\nof\n%s", err, b.String())
		}
		if diff := cmp.Diff(scenarios, again); diff != "" {
			t.Fatalf("(-first +again):\n%s", diff)
		}
	})
}
