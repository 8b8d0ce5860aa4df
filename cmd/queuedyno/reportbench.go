package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/render"
	"github.com/queuedyno/queuedyno/result"
)

// benchmarkNotes says of the runs that are to become Go benchmark text what
// benchstat cannot know: which ones are left out or in doubt, and which ones it
// takes for runs of one benchmark although their scenarios differ. It fails when
// no run is left.
func (r reporting) benchmarkNotes(names []string, results []*result.Result) error {
	suspect, last := 0, ""
	settings := map[string][]map[string]string{}
	for i, res := range results {
		if why := render.LeftOut(res); why != "" {
			last = fmt.Sprintf("%q is left out: %s", names[i], why)
			r.p.console.note("report: %s", last)
			continue
		}
		if res.Validity.Verdict == result.Suspect {
			suspect++
		}
		name := render.BenchmarkName(res)
		of := res.Scenario.Settings()
		of["redis"] = strings.TrimSpace(res.Redis.Kind + " " + res.Redis.Version)
		settings[name] = append(settings[name], of)
	}
	if len(settings) == 0 {
		return &failure{exitInvalid, []fault{{"no result has figures for benchstat: " + last, "make a run that is valid"}}}
	}
	if suspect > 0 {
		r.p.console.note("report: %d of %s are suspect; their reasons are comments in the file", suspect, plural(len(results), "result"))
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if keys := differing(settings[name]); len(keys) > 0 {
			r.p.console.note("report: the runs of %s differ in %s: benchstat takes them for runs of one benchmark", name, strings.Join(keys, ", "))
		}
	}
	return nil
}

// differing are the keys that do not have the same value everywhere.
func differing(all []map[string]string) (keys []string) {
	different := map[string]bool{}
	for _, one := range all {
		for key, value := range one {
			different[key] = different[key] || all[0][key] != value
		}
		for key, value := range all[0] {
			different[key] = different[key] || one[key] != value
		}
	}
	for _, key := range slices.Sorted(maps.Keys(different)) {
		if different[key] {
			keys = append(keys, key)
		}
	}
	return keys
}
