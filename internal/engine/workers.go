package engine

import "time"

// Workers are processes that were started to work on the jobs of a run with
// external consumers. Whoever started them tells the run about them by this, and
// ends them if Stop was not called, which is so when the load never began.
type Workers interface {
	// Begin is called right before the first job is pushed, and End when the last
	// one is accounted for.
	Begin()
	End() Worked
	// Stop ends the workers, before the queue is removed: what they write after
	// that would be there again. It returns what every report has to say of it,
	// empty when nothing.
	Stop() (warning string)
}

// Worked is what became of workers under load.
type Worked struct {
	// CPU is the processor time that they used between Begin and End, nil where
	// nobody can tell.
	CPU *time.Duration
	// Err says how they ended, where they did so before End. The run goes on
	// without them, and has failed.
	Err error
}

// WorkersError says that workers which were started for a run ended before it did.
type WorkersError struct{ Err error }

func (e *WorkersError) Error() string { return e.Err.Error() }
func (e *WorkersError) Unwrap() error { return e.Err }

func (w Worked) failure() error {
	if w.Err == nil {
		return nil
	}
	return &WorkersError{w.Err}
}

// dismiss ends the workers that were started for the run, if any were.
func (r *run) dismiss() {
	if r.o.Workers == nil {
		return
	}
	if err := r.worked.Err; err != nil {
		r.warn("%s; what the workers had in hand then, and what came after, is in these figures as well", err)
	}
	if warning := r.o.Workers.Stop(); warning != "" {
		r.warn("%s", warning)
	}
}
