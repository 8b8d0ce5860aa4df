package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/queuedyno/queuedyno/internal/console"
	"github.com/queuedyno/queuedyno/internal/literal"
	"github.com/queuedyno/queuedyno/internal/outcome"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/scenario"
)

func FuzzValuesNeverPanicAndKeepTheirBounds(f *testing.F) {
	for _, s := range []string{"", "10", "10s", "-1s", "1KiB", "2MB", "9223372036854775807MB", "a=b", "=", "18446744073709551615", "../x", ".", "consumers=1,2,4", "payload=0,1KB", "a=1,,2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, field := range scenario.Fields() {
			var one scenario.Scenario
			if err := field.Set(&one, s); err == nil && (one.Producers < 0 || one.Hold.For < 0 || one.Load.Duration < 0 || one.Load.Replay.Speed < 0 || one.Seed > literal.MaxSeed) {
				t.Errorf("%s: Set(%q) makes %+v", field.Key, s, one)
			}
		}
		if g, err := parseTag(s); err == nil && g.key == "" {
			t.Errorf("parseTag(%q) has no key", s)
		}
		if name, err := outcome.ReadName(s); err == nil && (name == ".." || strings.ContainsAny(name, `/\`)) {
			t.Errorf("directoryName(%q) = %q", s, name)
		}
		if d, err := study.ParseDimension(s); err == nil && d.Field != "payload" && slices.Contains(study.Fields(), d.Field) {
			// What parses prints to what parses to the same.
			if again, err := study.ParseDimension(d.String()); err != nil || !cmp.Equal(d, again) {
				t.Errorf("ParseDimension(%q) = %v, and again %v, %v", s, d, again, err)
			}
		}
		_, _ = stage(s)
		_ = console.Redact(s)
	})
}
