package fleet

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
)

// state is what kubectl says of the Job and of its pods.
type state struct {
	job  bool // there is one
	over bool // it is complete, or has failed, and has no more pods to come
	pods []pod
}

// pod is one pod of the Job.
type pod struct {
	name  string
	shard int
	// started and ended say so of its container.
	started, ended bool
	// why is the reason that it does not start, or that it failed; empty without one.
	why string
}

// Objects as kubectl prints them, as far as they are read here.
type (
	objects struct {
		Items []object `json:"items"`
	}
	object struct {
		Kind     string `json:"kind"`
		Metadata struct {
			Name        string            `json:"name"`
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
		Status struct {
			Phase      string      `json:"phase"`
			Reason     string      `json:"reason"`
			Message    string      `json:"message"`
			Conditions []condition `json:"conditions"`
			Containers []struct {
				State struct {
					Waiting    *reason         `json:"waiting"`
					Running    json.RawMessage `json:"running"`
					Terminated *reason         `json:"terminated"`
				} `json:"state"`
			} `json:"containerStatuses"`
		} `json:"status"`
	}
	condition struct {
		Type   string `json:"type"`
		Status string `json:"status"`
		reason
	}
	reason struct {
		Reason   string `json:"reason"`
		Message  string `json:"message"`
		ExitCode int    `json:"exitCode"`
	}
)

// parse reads what "kubectl get job,pods --output json" prints.
func parse(data []byte) (s state, err error) {
	var all objects
	if err := json.Unmarshal(data, &all); err != nil {
		return s, fmt.Errorf("kubectl get: read its JSON: %w", err)
	}
	for _, o := range all.Items {
		switch o.Kind {
		case "Job":
			s.job = true
			for _, c := range o.Status.Conditions {
				s.over = s.over || (c.Type == "Complete" || c.Type == "Failed") && c.Status == "True"
			}
		case "Pod":
			if p, ok := podOf(o); ok {
				s.pods = append(s.pods, p)
			}
		}
	}
	return s, nil
}

func podOf(o object) (p pod, ok bool) {
	shard, err := strconv.Atoi(o.Metadata.Annotations[indexOf])
	if err != nil {
		return p, false
	}
	p = pod{name: o.Metadata.Name, shard: shard}
	p.ended = o.Status.Phase == "Succeeded" || o.Status.Phase == "Failed"
	for _, c := range o.Status.Conditions {
		if c.Type == "PodScheduled" && c.Status == "False" {
			p.why = words(c.reason)
		}
	}
	for _, c := range o.Status.Containers {
		switch t := c.State.Terminated; {
		case t != nil:
			p.started, p.ended = true, true
			if t.ExitCode != 0 {
				p.why = fmt.Sprintf("exit code %d", t.ExitCode)
				if t.Reason != "" && t.Reason != "Error" {
					p.why += ", " + t.Reason
				}
			}
		case len(c.State.Running) > 0 && string(c.State.Running) != "null":
			p.started, p.why = true, ""
		case c.State.Waiting != nil && c.State.Waiting.Reason != "ContainerCreating" && c.State.Waiting.Reason != "PodInitializing":
			p.why = words(*c.State.Waiting)
		}
	}
	if p.ended && p.why == "" && o.Status.Reason != "" {
		p.why = words(reason{Reason: o.Status.Reason, Message: o.Status.Message}) // such as Evicted
	}
	return p, true
}

// words are a reason for people.
func words(r reason) string {
	if r.Reason == "" || r.Message == "" {
		return cmp.Or(r.Reason, r.Message)
	}
	return r.Reason + ": " + r.Message
}
