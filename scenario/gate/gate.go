// Package gate decides whether measured metrics keep the limits set for them.
//
// It owns the names of all metrics, the language of thresholds
// ("end_to_end.p99 < 50ms") and the words in which an outcome is explained. It
// measures nothing and knows nothing of runs: what a metric was comes from the
// caller. Begin reading at [Parse] and [Check].
package gate

// Outcome is what became of one threshold. Value is null when the metric had
// no sample that could answer it; such a threshold never passes.
type Outcome struct {
	Expr   string   `json:"expr"`
	Value  *float64 `json:"value"`
	Passed bool     `json:"passed"`
	Reason string   `json:"reason"`
}
