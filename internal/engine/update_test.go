package engine_test

import (
	"bytes"
	"testing"

	"github.com/queuedyno/queuedyno/scenario"
)

func TestTheFormOfUpdatesIsReadFromAFileAndWrittenBack(t *testing.T) {
	t.Parallel()
	for _, form := range []string{
		"id=.id,status=.state,completed=done|ok",
		`id=."job.id",failed="timed out"|false`,
		"tenant=.data.org,error=.err.msg,running=started",
	} {
		s := external().WithDefaults()
		s.Update = form
		var file bytes.Buffer
		if err := scenario.Encode(&file, []scenario.Scenario{s}); err != nil {
			t.Fatal(err)
		}
		back, err := scenario.Parse("scenarios.yaml", file.Bytes())
		if err != nil || len(back) != 1 || back[0].Update != form {
			t.Errorf("%s: read back %+v, %v from\n%s", form, back, err, &file)
		}
	}
}

func TestTheFormOfUpdatesMayBeAMapping(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{id: .id, status: .state, completed: [done, ok]}": "id=.id,status=.state,completed=done|ok",
		"{completed: done}": "completed=done",
		"{tenant: .org, failed: ['\"timed out\"', error]}": `tenant=.org,failed="timed out"|error`,
		"'id=.id,completed=done'":                          "id=.id,completed=done",
	} {
		file := "version: 1\nscenarios:\n  a:\n    load: {rate: 10/s, duration: 1s}\n    consumers: external\n    update: " + text + "\n"
		got, err := scenario.Parse("scenarios.yaml", []byte(file))
		if err != nil || len(got) != 1 || got[0].Update != want {
			t.Errorf("%s: read %+v, %v; want %s", text, got, err, want)
		}
	}
}
