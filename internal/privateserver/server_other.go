//go:build !unix

package privateserver

import "context"

// Server is always nil here: this system has no private servers.
type Server struct{}

func (*Server) PID() int                      { return 0 }
func (*Server) Ended() <-chan struct{}        { return nil }
func (*Server) Pause(context.Context) error   { return ErrNotPrivate }
func (*Server) Resume() error                 { return ErrNotPrivate }
func (*Server) Kill() error                   { return ErrNotPrivate }
func (*Server) Restart(context.Context) error { return ErrNotPrivate }
