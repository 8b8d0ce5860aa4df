package scenario

import (
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestWhatSidekiqDoesNotHaveIsRefused(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*Scenario){
		"elements":      func(s *Scenario) { s.External = false },
		"job_class":     func(s *Scenario) { s.JobClass = "" },
		"design":        func(s *Scenario) { s.Design = "stream" },
		"queues":        func(s *Scenario) { s.Queues = []int{1, 2} },
		"tenants.count": func(s *Scenario) { s.Tenants.Count = 2 },
	} {
		s := sidekiqJobs
		if change(&s); len(s.Validate()) != 1 || s.Validate()[0].Field != field {
			t.Errorf("%s: %v", field, s.Validate())
		}
	}
	for class, good := range map[string]bool{
		"HardJob": true, "Mail::SendJob": true, "Job_2": true,
		"hardJob": false, "Mail::": false, `A","args":[]`: false, "Mail.Send": false, strings.Repeat("A", maxClass+1): false,
	} {
		s := sidekiqJobs
		if s.JobClass = class; (len(s.Validate()) == 0) != good {
			t.Errorf("class %q: %v", class, s.Validate())
		}
	}
	s := sidekiqJobs
	if s.Elements = PlainElements; len(s.Validate()) != 1 || s.Validate()[0].Field != "job_class" {
		t.Errorf("a class without Sidekiq: %v", s.Validate())
	}
	if s.Elements = "sidekik"; len(s.Validate()) == 0 || !strings.Contains(s.Validate()[0].Message, `did you mean "sidekiq"?`) {
		t.Errorf("a slip of the finger: %v", s.Validate())
	}
}

// sidekiqJobs are a scenario without a fault.
var sidekiqJobs = Scenario{
	Name: "sidekiq", Load: Load{Rate: pace.PerSecond(100), Jobs: 50}, External: true,
	Elements: SidekiqElements, JobClass: "HardJob",
}.WithDefaults()
