//go:build !unix

package redisserver

import (
	"context"
	"fmt"
	"runtime"

	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// startProcess refuses: Redis has no server for this operating system.
func startProcess(context.Context, Options) (*Server, error) {
	return nil, serverstart.Unavailable(fmt.Errorf("a private redis-server process cannot be had on %s", runtime.GOOS),
		"use --redis docker, --redis embedded, or name the URL of a server")
}

// startSentinels and startCluster refuse, as startProcess does.
func (*Group) startSentinels(ctx context.Context, o Options) error {
	_, err := startProcess(ctx, o)
	return err
}

func (*Group) startCluster(ctx context.Context, o Options, _ int) error {
	_, err := startProcess(ctx, o)
	return err
}
