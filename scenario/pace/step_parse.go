package pace

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// written is a step as its author wrote it. follows says that it begins at the
// rate at which the step before ended.
type written struct {
	Step
	follows bool
}

// ParseSteps reads steps with commas between them:
//
//	30s:500            holds 500 jobs a second for 30 seconds
//	20s:100..10000     goes from 100/s up to 10,000/s
//	30s:..500          goes to 500/s from where the step before ended, the
//	                   first one from 0
//	5s:0               pauses
//	3x(10s:100,5s:1k)  repeats what is in the brackets three times
//
// Rates are as [ParseRate] reads them, without max. Spaces may stand anywhere
// between the words. All faults are reported at once.
func ParseSteps(text string) (Steps, error) {
	p := stepParser{}
	p.list(text)
	if len(p.faults) > 0 {
		return nil, errors.Join(p.faults...)
	}
	steps := make(Steps, len(p.steps))
	var last Rate
	for i, w := range p.steps {
		if w.follows {
			w.From = last
		}
		steps[i], last = w.Step, w.To
	}
	if err := steps.Validate(); err != nil {
		return nil, err
	}
	return steps, nil
}

// stepParser collects the steps and the faults of a text.
type stepParser struct {
	steps  []written
	faults []error
	number int // of the step as written, from 1
}

func (p *stepParser) fail(text, format string, args ...any) {
	const longest = 40
	if len(text) > longest {
		text = text[:longest] + "..."
	}
	p.faults = append(p.faults, fmt.Errorf("step %d %q: %s; %s", p.number, text, fmt.Sprintf(format, args...), hint))
}

// list reads what stands between the commas, each a step or a pattern.
func (p *stepParser) list(text string) {
	for _, item := range outside(text) {
		item = strings.TrimSpace(item)
		head, rest, repeated := strings.Cut(item, "(")
		if !repeated {
			p.number++
			if w, ok := p.step(item); ok {
				p.steps = append(p.steps, w)
			}
			continue
		}
		p.pattern(item, head, rest)
	}
}

// pattern reads "3x(10s:100,5s:1k)", cut at the bracket.
func (p *stepParser) pattern(item, head, rest string) {
	bad := func(format string, args ...any) {
		p.number++
		p.fail(item, format, args...)
	}
	count, ok := strings.CutSuffix(strings.TrimSpace(head), "x")
	times, err := strconv.ParseUint(strings.TrimSpace(count), 10, 31)
	if !ok || err != nil || times == 0 {
		bad("a repeated pattern is written 3x(10s:100,5s:1k)")
		return
	}
	inner, closed := strings.CutSuffix(rest, ")")
	if !closed {
		bad("the bracket has no end, or something follows it without a comma")
		return
	}
	if strings.ContainsAny(inner, "()") {
		bad("a pattern cannot hold another; write the inner one out")
		return
	}
	from := len(p.steps)
	p.list(inner)
	once := p.steps[from:len(p.steps):len(p.steps)]
	if times*uint64(len(once))+uint64(from) > maxSteps {
		p.fail(item, "together these are more than %d steps", maxSteps)
		return
	}
	for range times - 1 {
		p.steps = append(p.steps, once...)
	}
}

// step reads one step.
func (p *stepParser) step(item string) (w written, ok bool) {
	if item == "" {
		p.fail(item, "nothing is there")
		return w, false
	}
	length, load, cut := strings.Cut(item, ":")
	if !cut {
		p.fail(item, "a length and a rate have a colon between them")
		return w, false
	}
	ok = true
	d, err := time.ParseDuration(strings.TrimSpace(length))
	if err != nil || d <= 0 {
		p.fail(item, "%q is not a length of time greater than zero", strings.TrimSpace(length))
		ok = false
	}
	w.For = d
	from, to, ramp := strings.Cut(load, "..")
	from, to = strings.TrimSpace(from), strings.TrimSpace(to)
	if !ramp {
		to = from
	}
	w.follows = ramp && from == ""
	var good bool
	if !w.follows {
		w.From, good = p.rate(item, from)
		ok = ok && good
	}
	if ramp {
		w.To, good = p.rate(item, to)
		ok = ok && good
	} else {
		w.To = w.From
	}
	return w, ok
}

// rate reads a rate within a step, where 0 is one.
func (p *stepParser) rate(item, text string) (Rate, bool) {
	switch text {
	case "":
		p.fail(item, "a rate is missing")
		return Rate{}, false
	case "max":
		p.fail(item, "a step has a rate: max is for a load without steps")
		return Rate{}, false
	case "0", "0/s":
		return Rate{}, true
	}
	r, why := readRate(text)
	if why != "" {
		p.fail(item, "rate %q: %s", text, why)
	}
	return r, why == ""
}

// outside splits at the commas that are in no brackets.
func outside(text string) (items []string) {
	depth, start := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth = max(0, depth-1)
		case ',':
			if depth == 0 {
				items = append(items, text[start:i])
				start = i + 1
			}
		}
	}
	return append(items, text[start:])
}
