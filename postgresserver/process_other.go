//go:build !unix

package postgresserver

import (
	"context"
	"fmt"
	"runtime"

	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// startProcess refuses: a process that ends with its owner needs Unix.
func startProcess(context.Context, Options) (*Server, error) {
	return nil, serverstart.Unavailable(fmt.Errorf("a private postgres process is not available on %s", runtime.GOOS),
		"use --postgres docker, or name the URL of a database")
}
