//go:build !unix

package scenario

import "time"

// processCPU is unknown here.
func processCPU() time.Duration { return 0 }
