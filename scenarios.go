package queuedyno

import _ "embed"

//go:embed scenarios.yaml
var scenarios string

// Scenarios is the scenario file that the command brings along, so that it works
// in any folder. The bytes are the caller's own.
func Scenarios() []byte { return []byte(scenarios) }
