package study

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/scenario"
)

// Dimension is a field of the scenario that is varied, with its values in the
// order in which they are searched.
type Dimension struct {
	Field  string `json:"field"`
	Values []int  `json:"values"`
}

// String is the dimension as it is written on a command line.
func (d Dimension) String() string {
	words := make([]string, len(d.Values))
	for i, v := range d.Values {
		words[i] = strconv.Itoa(v)
	}
	return d.Field + "=" + strings.Join(words, ",")
}

// MostDimensions is how many fields can be varied together: a picture has no
// more.
const MostDimensions = 2

// Cell is the search at one combination of values.
type Cell struct {
	// Values are one of each dimension, in their order.
	Values []int            `json:"values"`
	Answer capacity.Answer  `json:"answer"`
	Trials []capacity.Trial `json:"trials"`
	// Interrupted is true when the search was stopped from outside, or by an
	// error.
	Interrupted bool `json:"interrupted"`
}

// Settled reports whether a longer search has nothing to add.
func (c Cell) Settled() bool {
	a := c.Answer
	return a.Status == capacity.NoRate || a.Status == capacity.Confirmed && a.Narrow()
}

// Both are beyond every value that a scenario allows.
const (
	most       = 100_000_000
	mostQueues = 10_000
)

// field is a part of a scenario that can be varied.
type field struct {
	name  string
	least int
	set   func(*scenario.Scenario, int)
	// together is true of what works at once, so that a law of scaling speaks of
	// it.
	together bool
}

// fields are in the order in which they are listed for the user.
func fields() []field {
	return []field{
		{"consumers", 1, func(s *scenario.Scenario, v int) { s.Consumers = v }, true},
		{"producers", 1, func(s *scenario.Scenario, v int) { s.Producers = v }, true},
		{"subscribers", 1, func(s *scenario.Scenario, v int) { s.Subscribers = v }, true},
		{"batch", 1, func(s *scenario.Scenario, v int) { s.Batch = v }, false},
		{"queues", 1, func(s *scenario.Scenario, v int) { s.Queues = slices.Repeat([]int{1}, min(v, mostQueues)) }, false},
		{"payload", 0, func(s *scenario.Scenario, v int) { s.Payload, s.Payloads = v, scenario.Scenario{}.Payloads }, false},
	}
}

func fieldOf(name string) (field, bool) {
	all := fields()
	i := slices.IndexFunc(all, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return all[i], true
}

// Fields are the names of what can be varied.
func Fields() (names []string) {
	for _, f := range fields() {
		names = append(names, f.name)
	}
	return names
}

// Together reports whether the field is a number of things that work at once.
func Together(name string) bool {
	f, _ := fieldOf(name)
	return f.together
}

// At is the scenario with these values of the dimensions.
func At(s scenario.Scenario, dimensions []Dimension, values []int) scenario.Scenario {
	for i, d := range dimensions {
		if f, known := fieldOf(d.Field); known && i < len(values) {
			f.set(&s, values[i])
		}
	}
	return s
}

// CheckDimensions says what is wrong with what is to be varied: every fault, in
// words. No fault means that every combination can be searched that makes a
// valid scenario.
func CheckDimensions(dimensions []Dimension) (faults []string) {
	seen := map[string]bool{}
	for _, d := range dimensions {
		f, known := fieldOf(d.Field)
		if !known {
			faults = append(faults, fmt.Sprintf("%q cannot be varied; what can is %s", d.Field, strings.Join(Fields(), ", ")))
			continue
		}
		if seen[d.Field] {
			faults = append(faults, d.Field+" is varied twice; give all its values at once")
		}
		seen[d.Field] = true
		if len(d.Values) == 0 {
			faults = append(faults, d.Field+" has no values")
		}
		for i, v := range d.Values {
			if v < f.least {
				faults = append(faults, fmt.Sprintf("%s=%d must be at least %d", d.Field, v, f.least))
			}
			if v > most {
				faults = append(faults, fmt.Sprintf("%s=%d is too large", d.Field, v))
			}
			if slices.Contains(d.Values[:i], v) {
				faults = append(faults, fmt.Sprintf("%s=%d is given twice", d.Field, v))
			}
		}
	}
	if len(dimensions) > MostDimensions {
		faults = append(faults, fmt.Sprintf("%d fields are varied, and at most %d can be", len(dimensions), MostDimensions))
	}
	return faults
}

// Cells are all combinations of the values, the last dimension changing
// fastest, with nothing known of any.
func Cells(dimensions []Dimension) []Cell {
	cells := []Cell{{Answer: capacity.Answer{Status: capacity.Unknown}}}
	for _, d := range dimensions {
		var next []Cell
		for _, c := range cells {
			for _, v := range d.Values {
				one := c
				one.Values = append(slices.Clone(c.Values), v)
				next = append(next, one)
			}
		}
		cells = next
	}
	return cells
}

// Name is the combination in words: "consumers=4 batch=10".
func Name(dimensions []Dimension, values []int) string {
	words := make([]string, len(dimensions))
	for i, d := range dimensions {
		words[i] = fmt.Sprintf("%s=%d", d.Field, values[i])
	}
	return strings.Join(words, " ")
}

// Pending are the places of the cells to search next: those that were not begun
// or were interrupted, and where there is none, those that a longer search may
// settle.
func Pending(cells []Cell) (places []int) {
	for i, c := range cells {
		if len(c.Trials) == 0 || c.Interrupted {
			places = append(places, i)
		}
	}
	if len(places) > 0 {
		return places
	}
	for i, c := range cells {
		if !c.Settled() {
			places = append(places, i)
		}
	}
	return places
}

// knownWell is the ratio of the ends of the 80 % belief up to which a capacity
// is known well enough to fit a law to it.
const knownWell = 1.25

// Scale fits the law of scaling to the median capacities of the cells of one
// dimension. Cells in which what makes the load gave out, or of whose capacity
// little is known, say nothing of how the system scales and are left out. It is
// nil where there is more than one dimension.
func Scale(dimensions []Dimension, cells []Cell) *capacity.Scaling {
	if len(dimensions) != 1 {
		return nil
	}
	if name := dimensions[0].Field; !Together(name) {
		return &capacity.Scaling{Refused: name + " is no number of things that work at once"}
	}
	var sizes []capacity.Size
	limited, vague := 0, 0
	for _, c := range cells {
		a := c.Answer
		switch {
		case a.Status == capacity.AtLeast:
			limited++
		case a.Status != capacity.Confirmed && a.Status != capacity.Estimated, c.Interrupted, a.High > knownWell*a.Low:
			vague++
		default:
			sizes = append(sizes, capacity.Size{N: float64(c.Values[0]), Capacity: a.Median})
		}
	}
	s := capacity.FitUSL(sizes)
	if s.Refused != "" && limited > 0 {
		s.Refused += fmt.Sprintf("; at %d more what makes the load gave out first", limited)
	}
	if s.Refused != "" && vague > 0 {
		s.Refused += fmt.Sprintf("; at %d more too little is known", vague)
	}
	return &s
}
