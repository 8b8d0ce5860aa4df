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

// maxValue is beyond every value that a scenario allows.
const maxValue = 100_000_000

// varying is the field of a scenario that can be varied and has that name.
func varying(name string) (f scenario.Field, known bool) {
	all := scenario.Fields()
	i := slices.IndexFunc(all, func(f scenario.Field) bool { return f.Flag == name && f.Vary != nil })
	if i < 0 {
		return f, false
	}
	return all[i], true
}

// Fields are the names of what can be varied, first what works at once.
func Fields() []string {
	var together, alone []string
	for _, f := range scenario.Fields() {
		switch {
		case f.Vary == nil:
		case f.Vary.Together:
			together = append(together, f.Flag)
		default:
			alone = append(alone, f.Flag)
		}
	}
	slices.Sort(together)
	return append(together, alone...)
}

// ParseDimension reads what is to be varied: consumers=1,2,4 or payload=0,1KB,64KiB.
// Values of an unknown field are not read: [CheckDimensions] refuses it.
func ParseDimension(s string) (Dimension, error) {
	name, list, cut := strings.Cut(strings.TrimSpace(s), "=")
	d := Dimension{Field: strings.TrimSpace(name)}
	if !cut || d.Field == "" || strings.TrimSpace(list) == "" {
		return d, fmt.Errorf("%q is not of the form NAME=VALUE,VALUE; NAME is one of %s", s, strings.Join(Fields(), ", "))
	}
	f, known := varying(d.Field)
	if !known {
		return d, nil
	}
	for text := range strings.SplitSeq(list, ",") {
		v, err := f.Vary.Parse(text)
		if err != nil {
			return d, fmt.Errorf("%s: %w", d.Field, err)
		}
		d.Values = append(d.Values, v)
	}
	return d, nil
}

// Together reports whether the field is a number of things that work at once.
func Together(name string) bool {
	f, known := varying(name)
	return known && f.Vary.Together
}

// At is the scenario with these values of the dimensions.
func At(s scenario.Scenario, dimensions []Dimension, values []int) scenario.Scenario {
	for i, d := range dimensions {
		if f, known := varying(d.Field); known && i < len(values) {
			_ = f.Set(&s, strconv.Itoa(values[i])) // CheckDimensions refuses what cannot be read
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
		f, known := varying(d.Field)
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
			if v < f.Vary.Least {
				faults = append(faults, fmt.Sprintf("%s=%d must be at least %d", d.Field, v, f.Vary.Least))
			}
			if v > maxValue {
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
// or were interrupted, or else those that a longer search may
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

// knownWell is the ratio of the ends of the 80% belief up to which a capacity
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
