package container

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

// findImage reports whether the daemon has the image, or an error when no
// daemon answers in time.
//
// It must come before any other use of testcontainers, which remembers for the
// life of the process whether it found a daemon, and asks without a deadline
// unless it is given one here. Some of its ways to a socket panic.
func findImage(ctx context.Context, image string) (present bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, daemonTimeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("look for a Docker daemon: %v", r)
		}
	}()
	client, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return false, err
	}
	defer client.Close()
	if _, err = client.ImageInspect(ctx, image); errdefs.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// silenceTestcontainers takes away its chatter on standard error: part of it
// goes to a logger that only this global setting reaches. A logger that a
// program has set for itself is left alone.
var silenceTestcontainers = sync.OnceFunc(func() {
	l, ok := log.Default().(interface{ Writer() io.Writer })
	if ok && l.Writer() == os.Stderr {
		log.SetDefault(log.NewNoopLogger())
	}
})
