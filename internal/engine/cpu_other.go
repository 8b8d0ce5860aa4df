//go:build !unix

package engine

import "time"

// processCPU is unknown here.
func processCPU() time.Duration { return 0 }
