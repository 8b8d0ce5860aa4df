package result

// Threshold is what became of one threshold of the scenario. Value is null when the metric had
// no sample that could answer it; such a threshold never passes.
type Threshold struct {
	Expr  string   `json:"expr"`
	Value *float64 `json:"value"`
	// Limit is the limit in the base unit of the metric, as Value is. Margin is how
	// far Value is on the good side of the limit, as a share of it; negative on the
	// bad side and null where it has no meaning.
	Limit  float64  `json:"limit"`
	Margin *float64 `json:"margin"`
	Passed bool     `json:"passed"`
	// Undecided is true when the run cannot decide the threshold, e.g. because it
	// had too few jobs for the quantile. The threshold has then neither passed nor
	// failed; Reason says what is missing.
	Undecided bool   `json:"undecided,omitempty"`
	Reason    string `json:"reason"`
}

// Failed reports whether the limit was certainly broken.
func (t Threshold) Failed() bool { return !t.Passed && !t.Undecided }
