package pace_test

import (
	"fmt"
	"strings"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

func ExampleParseSteps() {
	steps, err := pace.ParseSteps("2s:..2, 3s:0, 2x(1s:1)")
	if err != nil {
		fmt.Println(err)
		return
	}
	schedule := pace.Schedule{Steps: steps}
	share := schedule.Share(0, 1)
	for g := share.Next(); g.Jobs > 0; g = share.Next() {
		fmt.Printf("job %d in step %d at %s\n", g.First, schedule.StepAt(g.Due), g.Due)
	}
	// Output:
	// job 0 in step 0 at 0s
	// job 1 in step 0 at 1.414213562s
	// job 2 in step 2 at 5s
	// job 3 in step 3 at 6s
}

func ExampleReadReplay() {
	const log = "INFO 2024-01-31T12:00:00Z job-1\nINFO 2024-01-31T12:00:01.5Z job-2\n"
	replay, err := pace.ReadReplay(strings.NewReader(log), pace.ReplayOptions{Column: "2", Speed: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(replay.Times)
	// Output: [0s 500ms]
}
