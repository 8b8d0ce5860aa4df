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

// StartSentinels refuses, as startProcess does.
func StartSentinels(ctx context.Context, o Options) (*Group, error) {
	_, err := startProcess(ctx, o)
	return nil, err
}

// StartCluster refuses, as startProcess does.
func StartCluster(ctx context.Context, o Options, replicas int) (*Group, error) {
	_, err := startProcess(ctx, o)
	return nil, err
}
