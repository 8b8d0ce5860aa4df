package redisserver

import (
	"context"
	"fmt"

	"github.com/alicebob/miniredis/v2"

	"github.com/queuedyno/queuedyno/internal/serverstart"
)

// embeddedNote is carried by every report on the embedded server.
const embeddedNote = "the embedded server shares this process and its CPU: its figures are for trying things out, not for planning"

// startEmbedded starts a server inside this process, on a loopback port.
func startEmbedded(_ context.Context, o Options) (*Server, error) {
	if len(o.Args) > 0 {
		return nil, serverstart.Usagef("embedded redis: it takes no arguments for redis-server; use --redis process or --redis docker")
	}
	m := miniredis.NewMiniRedis()
	if err := m.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start embedded redis: %w", err)
	}
	address := "redis://" + m.Addr() + "/0"
	return newServer(Server{kind: Embedded, url: address, address: address, note: embeddedNote}, func() error {
		m.Close()
		return nil
	}), nil
}
