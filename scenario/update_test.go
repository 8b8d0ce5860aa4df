package scenario_test

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
