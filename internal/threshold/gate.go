// Package threshold decides whether measured metrics keep the limits set for them.
//
// It owns the language of thresholds ("end_to_end.p99 < 50ms") and the words in
// which an outcome is explained. It measures nothing and knows nothing of runs:
// the caller gives the value of a metric. Begin reading at [Parse] and [Check].
package threshold

// Outcome is what became of one threshold. Value is null when the metric had
// no sample that could answer it; such a threshold never passes.
type Outcome struct {
	Expr  string   `json:"expr"`
	Value *float64 `json:"value"`
	// Limit is the limit, in the base unit of the metric as Value is. Margin is
	// how far Value is on the good side of it, as a share of the limit and
	// negative on the bad side; null where that has no meaning.
	Limit  float64  `json:"limit"`
	Margin *float64 `json:"margin"`
	Passed bool     `json:"passed"`
	// Undecided says that the run cannot tell whether the limit was kept, e.g.
	// because it had too few jobs for the quantile. The threshold did not pass,
	// and it did not fail either; Reason says what is missing.
	Undecided bool   `json:"undecided,omitempty"`
	Reason    string `json:"reason"`
}

// Failed reports whether the limit was surely broken.
func (o Outcome) Failed() bool { return !o.Passed && !o.Undecided }
