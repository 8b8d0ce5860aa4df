package postgresserver

import "context"

// Pause stops the processes of the server as SIGSTOP does: it answers nothing, and its
// connections stay open, until [Server.Resume]. Pausing it twice is the same as once. Pause,
// Resume, Kill and Restart return an error for a server that is no private process: only
// such a process, of the source "process", may be broken, and can be repaired.
func (s *Server) Pause(ctx context.Context) error { return s.private.Pause(ctx) }

// Resume lets a paused server go on. It does nothing to one that is not paused.
func (s *Server) Resume() error { return s.private.Resume() }

// Kill ends the server at once and returns when it is gone. It is Postgres's immediate
// shutdown: its processes end wherever they are, nothing is completed or written, and the
// next start recovers from the write-ahead log.
func (s *Server) Kill() error { return s.private.Kill() }

// Restart starts a server that was killed again, with the same settings, data and port,
// and returns when it answers, which takes until it has recovered. The end of ctx ends
// the start. It does nothing to a server that runs.
func (s *Server) Restart(ctx context.Context) error { return s.private.Restart(ctx) }
