package scenario

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Encode writes a scenario file that [Parse] reads back to the same values. It
// refuses what Parse would refuse, and then writes nothing.
func Encode(w io.Writer, scenarios []Scenario) error {
	if err := encodable(scenarios); err != nil {
		return fmt.Errorf("encode scenarios: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version: %d\nscenarios:\n", fileVersion)
	for _, s := range scenarios {
		fmt.Fprintf(&b, "  %s:\n", quote(s.Name))
		s.encode(&b)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("encode scenarios: %w", err)
	}
	return nil
}

func encodable(scenarios []Scenario) error {
	if len(scenarios) == 0 {
		return errors.New("there are none")
	}
	var faults []error
	seen := map[string]bool{}
	for _, s := range scenarios {
		for _, fault := range s.Validate() {
			faults = append(faults, fmt.Errorf("%q: %s", s.Name, fault))
		}
		if seen[s.Name] {
			faults = append(faults, fmt.Errorf("%q: name: there are two of that name", s.Name))
		}
		seen[s.Name] = true
	}
	return errors.Join(faults...)
}

// encode writes the keys that are not at zero.
func (s Scenario) encode(b *strings.Builder) {
	key := func(name, value string, set bool) {
		if set {
			fmt.Fprintf(b, "    %s: %s\n", name, value)
		}
	}
	count := func(name string, n int) { key(name, fmt.Sprint(n), n != 0) }
	span := func(name string, d time.Duration) { key(name, d.String(), d != 0) }

	key("description", quote(s.Description), s.Description != "")
	load := s.Load.encode()
	key("load", "{"+strings.Join(load, ", ")+"}", len(load) > 0)
	count("producers", s.Producers)
	key("producers", external, s.Load.Observed)
	count("consumers", s.Consumers)
	key("consumers", external, s.External)
	count("subscribers", s.Subscribers)
	count("batch", s.Batch)
	if s.Payloads.IsFixed() {
		key("payload", fmt.Sprintf("%dB", s.Payload), s.Payload != 0)
	} else {
		key("payload", quote(s.Payloads.String()), true)
	}
	key("work", "{"+strings.Join(s.Work.encode(), ", ")+"}", !s.Work.none())
	key("elements", string(s.Elements), s.Elements != "")
	key("job_class", quote(s.JobClass), s.JobClass != "")
	key("update", quote(s.Update), s.Update != "")
	key("design", string(s.Design), s.Design != "")
	span("visibility", s.Visibility)
	span("poll", s.Poll)
	key("queues", strings.ReplaceAll(fmt.Sprint(s.Queues), " ", ", "), len(s.Queues) > 0)
	key("notify", string(s.Notify), s.Notify != "")
	key("channels", string(s.Channels), s.Channels != "")
	key("tenants", "{"+strings.Join(s.Tenants.encode(), ", ")+"}", s.Tenants != Tenants{})
	key("prefill", fmt.Sprint(s.Prefill), s.Prefill != 0)
	key("hold", fmt.Sprintf("{from: %s, for: %s}", s.Hold.From, s.Hold.For), s.Hold.For != 0)
	span("warmup", s.Warmup)
	span("drain_timeout", s.DrainTimeout)
	if len(s.Thresholds) > 0 {
		b.WriteString("    thresholds:\n")
		for _, expr := range s.Thresholds {
			fmt.Fprintf(b, "      - %s\n", quote(expr))
		}
	}
	key("seed", fmt.Sprint(s.Seed), s.Seed != 0)
}

// pairs are keys with their values, as they stand in a mapping on one line.
type pairs []string

func (p *pairs) add(set bool, name string, value any) {
	if set {
		*p = append(*p, fmt.Sprintf("%s: %v", name, value))
	}
}

func (w Work) encode() (keys pairs) {
	if w.Drawn.IsFixed() {
		keys.add(w.Time != 0, "time", w.Time)
	} else {
		keys.add(true, "time", quote(w.Drawn.String()))
	}
	keys.add(w.FailRate != 0, "fail", strconv.FormatFloat(w.FailRate, 'f', -1, 64))
	keys.add(w.Running, "running", true)
	return keys
}

func (r Replay) encode() (keys pairs) {
	keys.add(true, "file", quote(r.File))
	keys.add(r.Column != "", "column", quote(r.Column))
	keys.add(r.Speed != 0, "speed", strconv.FormatFloat(r.Speed, 'f', -1, 64))
	keys.add(r.Unit != "", "unit", r.Unit)
	keys.add(r.Spread, "spread", true)
	return keys
}

func (t Tenants) encode() (keys pairs) {
	keys.add(t.Count != 0, "count", t.Count)
	keys.add(t.Skew != 0, "skew", strconv.FormatFloat(t.Skew, 'f', -1, 64))
	return keys
}

func (l Load) encode() (keys pairs) {
	add := keys.add
	add(!l.Varies() && !l.Observed, "rate", l.Rate)
	add(len(l.Steps) > 0, "stages", quote(l.Steps.String()))
	add(l.Replay.given(), "replay", "{"+strings.Join(l.Replay.encode(), ", ")+"}")
	add(l.Duration != 0, "duration", l.Duration)
	add(l.Jobs != 0, "jobs", l.Jobs)
	add(l.Arrivals != "", "arrivals", l.Arrivals)
	add(l.InFlight != 0, "in_flight", l.InFlight)
	add(l.MaxInFlight != 0, "max_in_flight", l.MaxInFlight)
	add(l.MaxBacklog != 0, "max_backlog", l.MaxBacklog)
	add(l.Think != 0, "think", l.Think)
	return keys
}

// quote writes text between double quotes with the escapes of YAML, which are
// not those of Go.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
