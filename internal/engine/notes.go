package engine

import (
	"fmt"
	"time"
)

// maxFaults is how many different errors that a run survived are quoted.
const maxFaults = 20

// notes are what every report has to say, in the order in which it first came
// up. Those that say the same are folded into one with a count.
type notes struct {
	all    []*note
	byText map[string]*note
	faults int // different ones
}

type note struct {
	text, hint  string
	count       int
	first, last time.Duration
	timed       bool // it happened at a moment of the run
}

// add takes in what holds for the run as a whole.
func (n *notes) add(text string) { n.note(text, 0, false) }

// addAt takes in what happened at a moment of the run, and its remedy.
func (n *notes) addAt(at time.Duration, text, hint string) {
	if n.byText[text] == nil {
		if n.faults++; n.faults > maxFaults {
			return
		}
	}
	n.note(text, at, true)
	n.byText[text].hint = hint
}

func (n *notes) note(text string, at time.Duration, timed bool) {
	one := n.byText[text]
	if one == nil {
		one = &note{text: text, first: at, timed: timed}
		if n.byText == nil {
			n.byText = map[string]*note{}
		}
		n.byText[text] = one
		n.all = append(n.all, one)
	}
	one.count++
	one.last = at
}

// lines are the notes in words. A remedy that several have stands at the first of
// them. When the server has ended, that explains every lost connection, and no
// remedy is given.
func (n *notes) lines(ended bool) []string {
	lines := []string{}
	hints := map[string]bool{"": true}
	for _, one := range n.all {
		line := one.text
		if !ended && !hints[one.hint] {
			hints[one.hint] = true
			line += " (" + one.hint + ")"
		}
		switch {
		case one.timed && one.count > 1:
			line = fmt.Sprintf("%d times from %.3f s to %.3f s: %s", one.count, one.first.Seconds(), one.last.Seconds(), line)
		case one.timed:
			line = fmt.Sprintf("at %.3f s: %s", one.first.Seconds(), line)
		}
		lines = append(lines, line)
	}
	if n.faults > maxFaults {
		lines = append(lines, fmt.Sprintf("%d other errors are counted and not quoted", n.faults-maxFaults))
	}
	return lines
}
