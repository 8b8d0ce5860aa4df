package scenario

import (
	"errors"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/queuedyno/queuedyno/jobqueue"
	"github.com/queuedyno/queuedyno/scenario/draw"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// The keys that say how the pipeline is built, beside its load and its pools.

// external is the word for producers and consumers that are not ours.
const external = "external"

// producers reads the size of the pool, or that the load is somebody else's.
func (r *scenarioReader) producers(n ast.Node) bool {
	if value, text, number, ok := r.scalar(n); ok && !number {
		if text == external {
			r.s.Load.Observed = true
			return true
		}
		r.expected(n, value, "a whole number such as 2, or external")
		return false
	}
	return into(&r.s.Producers, r.pool)(n)
}

// consumers reads the size of the pool, or that there is none of ours.
func (r *scenarioReader) consumers(n ast.Node) bool {
	if value, text, number, ok := r.scalar(n); ok && !number {
		if text == external {
			r.s.External = true
			return true
		}
		r.expected(n, value, "a whole number such as 8, or external")
		return false
	}
	return into(&r.s.Consumers, r.pool)(n)
}

// word reads one of a set of words. Which ones there are is checked with the
// rest of the scenario.
func word[T ~string](r *scenarioReader) func(ast.Node) (T, bool) {
	return func(n ast.Node) (T, bool) {
		text, ok := r.words(n)
		if ok && text == "" {
			r.fault(n, "is empty; leave the key out for the default")
			return "", false
		}
		return T(text), ok
	}
}

// update reads the form of updates: as one text, or as a mapping of facts in
// which a list holds the words of a status.
func (r *scenarioReader) update(n ast.Node) (string, bool) {
	switch r.resolve(n).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
	default:
		return word[string](r)(n)
	}
	entries, ok := r.entries(n, "{id: .id, status: .state, completed: [done, ok]}")
	if ok && len(entries) == 0 {
		r.fault(n, "is empty; leave the key out for the default")
		return "", false
	}
	var facts []string
	for _, e := range entries {
		words := []ast.Node{e.value}
		if _, list := r.resolve(e.value).(*ast.SequenceNode); list {
			words, _ = r.items(e.value, "[done, ok]")
		}
		var texts []string
		for _, w := range words {
			text, good := r.words(w)
			ok = ok && good
			texts = append(texts, text)
		}
		facts = append(facts, e.key+"="+strings.Join(texts, "|"))
	}
	return strings.Join(facts, ","), ok
}

// queues reads a number of equal queues, or the weight of each.
func (r *scenarioReader) queues(n ast.Node) ([]int, bool) {
	if _, list := r.resolve(n).(*ast.SequenceNode); list {
		items, ok := r.items(n, "[1, 2, 7]")
		if !ok {
			return nil, false
		}
		var weights []int
		for _, item := range items {
			w, good := r.pool(item)
			ok = ok && good
			weights = append(weights, w)
		}
		return weights, ok
	}
	count, ok := r.pool(n)
	if !ok {
		return nil, false
	}
	return equalQueues(count), true
}

// equalQueues are n queues with the same share of the jobs.
func equalQueues(n int) []int {
	weights := make([]int, max(0, min(n, maxQueues+1)))
	for i := range weights {
		weights[i] = 1
	}
	return weights
}

// ParseQueues reads "3", which are three queues with equal shares, or "1,2,7",
// which are the weights of three in the order of their priority.
func ParseQueues(text string) ([]int, error) {
	var weights []int
	for part := range strings.SplitSeq(text, ",") {
		w, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || w < 1 {
			return nil, errQueues(text)
		}
		weights = append(weights, w)
	}
	if len(weights) == 1 {
		return equalQueues(weights[0]), nil
	}
	return weights, nil
}

// tenants reads a number of them, or also how unequal they are.
func (r *scenarioReader) tenants(n ast.Node) bool {
	if _, _, number, ok := r.scalar(n); ok && number {
		return into(&r.s.Tenants.Count, r.pool)(n)
	}
	return r.mapping("tenants.", n, "{count: 100, skew: 1.1}", r.sectionKeys("tenants"))
}

// ratio reads a share such as 0.01 or 1%.
func (r *scenarioReader) ratio(n ast.Node) (float64, bool) {
	value, text, _, ok := r.scalar(n)
	if !ok {
		r.expected(n, value, "a share such as 1% or 0.01")
		return 0, false
	}
	v, err := ParseShare(text)
	if err != nil {
		r.fault(n, "%s", err)
		return 0, false
	}
	return v, true
}

// number reads a number that need not be whole.
func (r *scenarioReader) number(n ast.Node) (float64, bool) {
	value, text, number, ok := r.scalar(n)
	v, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	if !ok || !number || err != nil {
		r.expected(n, value, "a number such as 1.1")
		return 0, false
	}
	return v, true
}

// truth reads true or false.
func (r *scenarioReader) truth(n ast.Node) (bool, bool) {
	value := r.resolve(n)
	b, ok := value.(*ast.BoolNode)
	if !ok {
		r.expected(n, value, "true or false")
		return false, false
	}
	return b.Value, true
}

// pipelineKeys are the keys of this file.
func (r *scenarioReader) pipelineKeys() []fileKey {
	s := &r.s
	return []fileKey{
		{"elements", into(&s.Elements, word[Elements](r))},
		{"job_class", into(&s.JobClass, word[string](r))},
		{"update", into(&s.Update, r.update)},
		{"design", into(&s.Design, word[jobqueue.Design](r))},
		{"visibility", into(&s.Visibility, r.length)},
		{"poll", into(&s.Poll, r.length)},
		{"queues", into(&s.Queues, r.queues)},
		{"notify", into(&s.Notify, word[jobqueue.Notify](r))},
		{"channels", into(&s.Channels, word[Channels](r))},
		{"tenants", r.tenants},
		{"prefill", into(&s.Prefill, r.positive)},
		{"hold", func(n ast.Node) bool {
			return r.mapping("hold.", n, "{from: 5s, for: 10s}", r.sectionKeys("hold"))
		}},
	}
}

// steps reads stages: a text such as "30s:500,1m:2000", or a list of such texts.
func (r *scenarioReader) steps(n ast.Node) (pace.Steps, bool) {
	text, ok := "", true
	if _, list := r.resolve(n).(*ast.SequenceNode); list {
		items, good := r.items(n, `["30s:500", "20s:500..2000"]`)
		var parts []string
		for _, item := range items {
			part, readable := r.words(item)
			good = good && readable
			parts = append(parts, part)
		}
		text, ok = strings.Join(parts, ","), good
	} else {
		text, ok = r.words(n)
	}
	if !ok {
		return nil, false
	}
	steps, err := pace.ParseSteps(text)
	if err == nil && len(steps) == 0 {
		err = errors.New("there are no stages; write them like \"30s:500,1m:2000\"")
	}
	if err != nil {
		r.fault(n, "%s", err)
		return nil, false
	}
	return steps, true
}

// replay reads the file of a recorded load, alone or with how to read it.
func (r *scenarioReader) replay(n ast.Node) bool {
	if _, text, number, ok := r.scalar(n); ok && !number && text != "" {
		r.s.Load.Replay.File = text
		return true
	}
	if !r.mapping("load.replay.", n, "{file: arrivals.csv, column: time, speed: 2}", r.sectionKeys("replay")) {
		return false
	}
	if r.s.Load.Replay.File == "" {
		r.fault(n, "the file is missing; write replay: {file: arrivals.csv}")
		return false
	}
	return true
}

// column reads the name or the number of a column.
func (r *scenarioReader) column(n ast.Node) (string, bool) {
	value, text, _, ok := r.scalar(n)
	if !ok || text == "" {
		r.expected(n, value, "the name of a column or its number")
		return "", false
	}
	return text, true
}

// unit reads what the numbers of a recorded load count.
func (r *scenarioReader) unit(n ast.Node) (pace.Unit, bool) {
	value, text, _, ok := r.scalar(n)
	if !ok {
		r.expected(n, value, "s, ms, us or ns")
		return "", false
	}
	unit, err := pace.ParseUnit(text)
	if err != nil {
		r.fault(n, "%s", err)
	}
	return unit, err == nil
}

// payload reads a size, or several of them.
func (r *scenarioReader) payload(n ast.Node) bool {
	if value, text, number, ok := r.scalar(n); ok && !number {
		if _, one := parseSize(text); !one && strings.ContainsAny(text, ".:,%") {
			size, err := draw.ParseSize(text)
			if err != nil {
				r.fault(value, "%s", err)
				return false
			}
			r.s.SetPayload(size)
			return true
		}
	}
	return into(&r.s.Payload, r.size)(n)
}

// service reads how long the work takes: a duration, or a distribution of it.
func (r *scenarioReader) service(n ast.Node) bool {
	if value, text, number, ok := r.scalar(n); ok && !number && (strings.Contains(text, "(") || strings.Contains(text, "..")) {
		d, err := draw.ParseDuration(text)
		if err != nil {
			r.fault(value, "%s", err)
			return false
		}
		r.s.Work.SetTime(d)
		return true
	}
	return into(&r.s.Work.Time, r.span)(n)
}
