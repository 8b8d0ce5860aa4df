package render

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/queuedyno/queuedyno/internal/capacity"
	"github.com/queuedyno/queuedyno/internal/number"
	"github.com/queuedyno/queuedyno/internal/study"
	"github.com/queuedyno/queuedyno/internal/usage"
)

// varied is the outcome of several searches in one sentence.
func varied(r *study.Record) string {
	lowest, highest, settled := 0.0, 0.0, 0
	for _, c := range r.Cells {
		if c.Settled() {
			settled++
		}
		if v := c.Answer.Rate; v > 0 {
			if lowest == 0 || v < lowest {
				lowest = v
			}
			highest = max(highest, v)
		}
	}
	by, each := dimensionNames(r), "value"
	if len(r.Vary) > 1 {
		each = "combination"
	}
	if highest == 0 {
		return fmt.Sprintf("nothing is known yet of the capacity of %s by %s", r.Scenario.Name, by)
	}
	return fmt.Sprintf("%s carries %s to %s jobs/s by %s, %d of %s settled", r.Scenario.Name, number.Rate(lowest), number.Rate(highest), by, settled, number.Plural(len(r.Cells), each))
}

func dimensionNames(r *study.Record) string {
	names := make([]string, len(r.Vary))
	for i, d := range r.Vary {
		names[i] = d.Field
	}
	return strings.Join(names, " and ")
}

// variedFacts are what there is to say about several searches, as pairs.
func variedFacts(r *study.Record) facts {
	trials, invalid, took, begun := 0, 0, time.Duration(0), 0
	var best *study.Cell
	for i, c := range r.Cells {
		if len(c.Trials) > 0 {
			begun++
		}
		trials, invalid, took = trials+c.Answer.Trials, invalid+c.Answer.Invalid, took+c.Answer.Took
		if c.Answer.Rate > 0 && (best == nil || c.Answer.Rate > best.Answer.Rate) {
			best = &r.Cells[i]
		}
	}
	all := facts{{"SLO", strings.Join(r.SLO, ", ")}}
	for _, d := range r.Vary {
		all.add("varied", d.String())
	}
	if best != nil {
		all.add("most", fmt.Sprintf("%s jobs/s at %s", number.Rate(best.Answer.Rate), study.Name(r.Vary, best.Values)))
	}
	if r.Scaling != nil {
		all.add("law of scaling", scalingWords(r))
	}
	all.add("searches", fmt.Sprintf("%d of %d begun; trials of %s, confirming ones of %s", begun, len(r.Cells), number.Span(r.Trial), number.Span(r.Confirm)))
	all.add("trials", trialWords(trials, invalid, took))
	all.add("against", againstWords(r.Scenario, r.Redis, r.Postgres))
	return all
}

// scalingWords are the law that was fitted, or why none was.
func scalingWords(r *study.Record) string {
	s := r.Scaling
	if s.Refused != "" {
		words := "not fitted: " + s.Refused
		if len(s.Residuals) > 0 {
			words += fmt.Sprintf(" (largest residual %s)", number.Percent(math.Abs(s.Largest)))
		}
		return words
	}
	field := r.Vary[0].Field
	peak := "no peak"
	if s.Peak > 0 {
		peak = fmt.Sprintf("peak at %s %s", number.Plain(s.Peak), field)
		if s.Peak > s.Sizes[len(s.Sizes)-1].N {
			peak += ", beyond what was measured"
		}
	}
	most := s.Sizes[len(s.Sizes)-1].N
	next := s.At(most+1) - s.At(most)
	sign := ""
	if next < 0 {
		sign = "-"
	}
	return fmt.Sprintf("%s jobs/s at one, contention %s, coherency %s (Universal Scalability Law); %s; one more than %s brings %s%s jobs/s (%s); largest residual %s over %d sizes",
		number.Rate(s.Lambda), share(s.Sigma), share(s.Kappa), peak, number.Plain(most), sign, number.Rate(math.Abs(next)), number.Change(next/s.At(most)), number.Percent(math.Abs(s.Largest)), len(s.Sizes))
}

// share is a small share in percent, to three digits however small: "0.00125%".
func share(v float64) string {
	if v < 5e-7 {
		return "0%"
	}
	return number.Digits(100*v) + "%"
}

// cellTable is a row a search.
func cellTable(r *study.Record) table {
	t := table{words: map[int]bool{}}
	for _, d := range r.Vary {
		t.head = append(t.head, d.Field)
	}
	t.words[len(t.head)], t.words[len(t.head)+6] = true, true
	t.head = append(t.head, "status", "jobs/s", "confirmed", "median", "80% belief", "refuted", "what gave out")
	for _, c := range r.Cells {
		var row []string
		for _, v := range c.Values {
			row = append(row, number.Count(int64(v)))
		}
		a, belief := c.Answer, number.None
		if a.Median > 0 {
			belief = number.Rate(a.Low) + " to " + number.Rate(a.High)
		}
		t.add(append(row, cellStatus(c), knownRate(a.Rate, ""), knownRate(a.ConfirmedRate, ""), knownRate(a.Median, ""), belief, knownRate(a.RefutedRate, ""), gaveOut(a.Limit))...)
	}
	return t
}

// cellStatus says how good the answer of one search among several is.
func cellStatus(c study.Cell) string {
	switch a := c.Answer; {
	case len(c.Trials) == 0:
		return "not begun"
	case c.Interrupted:
		return "interrupted"
	case a.Status == capacity.Confirmed && !a.Narrow():
		return "confirmed, wide"
	case a.Status == capacity.AtLeast:
		return "at least"
	case a.Status == capacity.NoRate:
		return "no rate"
	default:
		return string(a.Status)
	}
}

func gaveOut(l capacity.Limit) string {
	part := map[string]string{usage.Postgres: "Postgres", usage.API: "API", usage.Backend: "back end"}[l.Part]
	return cmp.Or(part, strings.ReplaceAll(l.Part, "_", " "), when(l.Detail != "", "no single part"))
}

// varied writes the searches at each value.
func (m *sheet) varied(r *study.Record) {
	m.para("## Scaling")
	m.para("![capacity by %s](%s)", escape(dimensionNames(r)), scalingFile)
	m.table(cellTable(r).cells(escape))
	m.para("%s", scalingMethod)
	for _, c := range r.Cells {
		if len(c.Trials) == 0 {
			continue
		}
		m.para("## %s", escape(study.Name(r.Vary, c.Values)))
		if c.Answer.Limit.Detail != "" {
			m.para("What gave out: %s.", escape(gaveOut(c.Answer.Limit)+": "+c.Answer.Limit.Detail))
		}
		if len(c.Answer.Limit.Used) > 0 {
			m.para("In use there: %s.", escape(usedWords(c.Answer.Limit)))
		}
		m.table(capacityTrials(c.Trials).cells(escape))
	}
}

const scalingMethod = "One search for each value, in this order. The searches share the budget; a search leaves unused time to the next. Where the load generator or the host was the limit, the capacity is a lower bound and says nothing about scaling. The Universal Scalability Law (N. J. Gunther) is fitted to the medians by least squares if at least six sizes have one, and rejected if any residual exceeds 10%."
