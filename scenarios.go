// Package queuedyno holds the scenarios that come with the command, so that it
// works in any folder.
//
// There is nothing else to import here: a benchmark of your own begins at
// package scenario/scenariotest, a load of your own at package scenario.
package queuedyno

import _ "embed"

//go:embed scenarios.yaml
var scenarios string

// Scenarios is the bundled scenario file. The bytes are the caller's own.
func Scenarios() []byte { return []byte(scenarios) }
