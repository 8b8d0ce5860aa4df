//go:build !unix

package redisserver

import (
	"context"
	"fmt"
	"runtime"
)

// startProcess refuses: Redis has no server for this operating system.
func startProcess(context.Context, Options) (*Server, error) {
	return nil, unavailable(fmt.Errorf("a private redis-server process cannot be had on %s", runtime.GOOS),
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
