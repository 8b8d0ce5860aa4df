package scenario

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// Elements is the format of jobs in the queue.
type Elements string

// The formats.
const (
	PlainElements   Elements = "plain"   // the job's id, or JSON with it
	SidekiqElements Elements = "sidekiq" // as Sidekiq's client pushes jobs; the id is the first argument
)

// SidekiqPrefix is what the keys of Sidekiq's queues begin with.
const SidekiqPrefix = "queue:"

// SidekiqQueue is the name that Sidekiq has for the queue in the list key.
func SidekiqQueue(key string) (name string, err error) {
	name, ok := strings.CutPrefix(key, SidekiqPrefix)
	if !ok || name == "" {
		return "", fmt.Errorf("%q is not a Sidekiq queue: Sidekiq keeps the queue NAME in the list queue:NAME, e.g. queue:default", key)
	}
	return name, nil
}

// SidekiqList is the list in which Sidekiq keeps the queue of that name.
func SidekiqList(name string) (key string) { return SidekiqPrefix + name }

// className is the name of a class in Ruby.
var className = regexp.MustCompile(`^[A-Z][A-Za-z0-9_]*(::[A-Z][A-Za-z0-9_]*)*$`)

// elements checks how jobs look in the queue.
func (v *validator) elements() {
	if v.Elements != "" {
		oneOf(v, "elements", v.Elements, PlainElements, SidekiqElements)
	}
	if v.Elements != SidekiqElements {
		if v.JobClass != "" {
			v.faultWith("job_class", []string{"elements"}, "only jobs of Sidekiq have a class; remove it or write elements: sidekiq")
		}
		return
	}
	switch {
	case v.JobClass == "":
		v.fault("job_class", "jobs of Sidekiq have a class; write job_class: HardJob")
	case len(v.JobClass) > maxClass || !className.MatchString(v.JobClass):
		v.fault("job_class", "%.60q is no name of a class; write it like HardJob or Mail::SendJob", v.JobClass)
	}
	none := func(field string, set bool, message string) {
		if set {
			v.faultWith(field, []string{"elements", "consumers"}, "%s", message)
		}
	}
	none("elements", !v.External, "only Sidekiq's own workers take jobs of Sidekiq; write consumers: external")
	none("design", v.Design != jobqueue.List, "Sidekiq keeps its queues in lists; write design: list")
	none("queues", len(v.Queues) > 1, "Sidekiq names its queues itself; run them one by one")
	none("tenants.count", v.Tenants.Count > 1, "a job of Sidekiq says nothing of a tenant; remove it")
}
