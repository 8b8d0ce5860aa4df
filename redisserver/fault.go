package redisserver

import "context"

// Pause stops the process as SIGSTOP does: it answers nothing, and its connections stay
// open, until [Server.Resume]. Pausing it twice is the same as once. Pause, Resume, Kill
// and Restart return an error for a server that is no private process: only such a process,
// of the source "process", may be broken, and can be repaired.
func (s *Server) Pause() error { return s.private.Pause(context.Background()) }

// Resume lets a paused process go on. It does nothing to one that is not paused.
func (s *Server) Resume() error { return s.private.Resume() }

// Kill ends the process at once, as kill -9 does, and returns when it is gone. What it
// has on disk stays there for [Server.Restart].
func (s *Server) Kill() error { return s.private.Kill() }

// Restart starts a process that was killed again, with the same settings, folder and
// port, and returns when it answers, which takes until it has loaded its data. The end
// of ctx ends the start. It does nothing to a process that runs.
func (s *Server) Restart(ctx context.Context) error { return s.private.Restart(ctx) }
