package scenario

import (
	"strings"
	"testing"

	"github.com/queuedyno/queuedyno/scenario/pace"
)

func TestWhatSidekiqDoesNotHaveIsRefused(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*Scenario){
		"dialect":       func(s *Scenario) { s.External = false },
		"job_name":      func(s *Scenario) { s.JobName = "" },
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
		"hardJob": false, "Mail::": false, `A","args":[]`: false, "Mail.Send": false, strings.Repeat("A", maxJobName+1): false,
	} {
		s := sidekiqJobs
		if s.JobName = class; (len(s.Validate()) == 0) != good {
			t.Errorf("class %q: %v", class, s.Validate())
		}
	}
	s := sidekiqJobs
	if s.Dialect = "plain"; len(s.Validate()) != 1 || s.Validate()[0].Field != "job_name" {
		t.Errorf("a class without Sidekiq: %v", s.Validate())
	}
	s = sidekiqJobs
	if s.JobArgs = `{"a": 1}`; len(s.Validate()) != 1 || s.Validate()[0].Field != "job_args" {
		t.Errorf("arguments of Sidekiq jobs: %v", s.Validate())
	}
	s = sidekiqJobs
	if s.Dialect = "sidekik"; len(s.Validate()) == 0 || !strings.Contains(s.Validate()[0].Message, `did you mean "sidekiq"?`) {
		t.Errorf("a slip of the finger: %v", s.Validate())
	}
}

// sidekiqJobs are a scenario without a fault.
var sidekiqJobs = Scenario{
	Name: "sidekiq", Load: Load{Rate: pace.PerSecond(100), Jobs: 50}, External: true,
	Dialect: "sidekiq", JobName: "HardJob",
}.WithDefaults()

func TestWhatCeleryDoesNotHaveIsRefused(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*Scenario){
		"":              func(s *Scenario) { s.JobArgs, s.Payload = `[1, {"a": null}]`, 100 },
		"dialect":       func(s *Scenario) { s.External = false },
		"job_name":      func(s *Scenario) { s.JobName = "tasks work" },
		"design":        func(s *Scenario) { s.Design = "list-poll" },
		"queues":        func(s *Scenario) { s.Queues = []int{1, 2} },
		"tenants.count": func(s *Scenario) { s.Tenants.Count = 2 },
		"update":        func(s *Scenario) { s.Update = "id=.id" },
		"notify":        func(s *Scenario) { s.Notify = "sharded-pubsub" },
		"job_args":      func(s *Scenario) { s.JobArgs = `{"a": 1}` },
	} {
		s := sidekiqJobs
		s.Dialect, s.JobName = "celery", "proj.tasks.send-mail"
		change(&s)
		if problems := s.Validate(); field == "" && len(problems) > 0 || field != "" && (len(problems) != 1 || problems[0].Field != field) {
			t.Errorf("%s: %v", field, problems)
		}
	}
	for args, good := range map[string]bool{"[]": true, ` [1, "é"] `: true, `{"a": 1}`: true, "[1": false, "null": false, "": false, "7": false, "[" + strings.Repeat("1,", maxJobArgs) + "1]": false} {
		if _, err := jobArgs(args); (err == nil) != good {
			t.Errorf("%.20s: %v", args, err)
		}
	}
}

func TestWhatBullMQDoesNotHaveIsRefused(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*Scenario){
		"":            func(s *Scenario) { s.JobArgs, s.Payload = `{"to": {"a": null}}`, 100 },
		"dialect":     func(s *Scenario) { s.External = false },
		"job_name":    func(s *Scenario) { s.JobName = "two\nlines" },
		"prefill":     func(s *Scenario) { s.Prefill = 4001 },
		"subscribers": func(s *Scenario) { s.Subscribers = 2 },
		"job_args":    func(s *Scenario) { s.JobArgs = `[1]` },
		"design":      func(s *Scenario) { s.Design = "stream" },
		"update":      func(s *Scenario) { s.Update = "id=.id" },
		"notify":      func(s *Scenario) { s.Notify = "sharded-pubsub" },
	} {
		s := sidekiqJobs
		s.Dialect, s.JobName = "bullmq", "send mail"
		change(&s)
		if problems := s.Validate(); field == "" && len(problems) > 0 || field != "" && (len(problems) != 1 || problems[0].Field != field) {
			t.Errorf("%s: %v", field, problems)
		}
	}
}

// Files and flags of before the change of the names go on to work.
func TestADialectMayHaveItsOldName(t *testing.T) {
	t.Parallel()
	got, err := Parse("f", []byte("version: 1\nscenarios:\n  a: {load: {rate: 5/s, jobs: 5}, consumers: external, elements: sidekiq, job_class: HardJob}\n"))
	if err != nil || len(got) != 1 || got[0].Dialect != "sidekiq" || got[0].JobName != "HardJob" {
		t.Errorf("%+v, %v", got, err)
	}
}
