// Package gate decides whether measured metrics keep the limits set for them.
package gate

// Outcome is what became of one threshold. Value is null when the metric had
// no sample that could answer it; such a threshold never passes.
type Outcome struct {
	Expr   string   `json:"expr"`
	Value  *float64 `json:"value"`
	Passed bool     `json:"passed"`
	Reason string   `json:"reason"`
}
