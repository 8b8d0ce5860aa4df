// Package problem is what is wrong and how the program exits: a [Problem] for the user,
// a [Failure] with the exit code.
package problem

import (
	"errors"
	"strings"
)

// The exit codes.
const (
	OK              = 0
	CouldNotRun     = 1   // could not run, or an error ended the run
	BadUsage        = 2   // the command line, the environment or a file is wrong
	Regression      = 3   // the candidate is worse than the baseline
	Invalid         = 4   // the run cannot be trusted, or measured nothing
	ThresholdFailed = 99  // a threshold failed; k6 has the same number
	Interrupted     = 130 // as a shell says it of SIGINT
)

// Problem is one thing that is wrong, in one line without a final stop, and what
// the user can do about it, where that is known.
type Problem struct {
	What, Hint string
}

// List are the problems that were found so far.
type List []Problem

// Add adds a problem. The hint is empty where no remedy is known.
func (l *List) Add(what, hint string) { *l = append(*l, Problem{what, hint}) }

// Err adds what an error says, and nothing for nil.
func (l *List) Err(err error) {
	if err != nil {
		*l = append(*l, Of(err))
	}
}

// AddAll adds problems, each behind that prefix.
func (l *List) AddAll(prefix string, more ...Problem) {
	for _, one := range more {
		l.Add(prefix+one.What, one.Hint)
	}
}

// All are the problems of an error that may join several, none for nil.
func All(err error) (all List) {
	for _, one := range Joined(err) {
		all = append(all, Of(one))
	}
	return all
}

// Joined are the errors that an error joins, or joins in turn, none for nil.
func Joined(err error) (all []error) {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	for _, one := range joined.Unwrap() {
		all = append(all, Joined(one)...)
	}
	return all
}

// Failure is an error that knows the exit code of the program. It may carry
// several problems: all that were found, and not just the first.
type Failure struct {
	Code     int
	Problems List
}

func (f *Failure) Error() string {
	all := make([]string, len(f.Problems))
	for i, one := range f.Problems {
		all[i] = one.What
	}
	return strings.Join(all, "; ")
}

// Usage is the failure for mistakes on the command line, in the environment or in a
// file. It is nil without a problem.
func Usage(problems ...Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &Failure{Code: BadUsage, Problems: problems}
}

// Exit is the failure with one problem that has its own exit code.
func Exit(code int, what, hint string) *Failure {
	return &Failure{Code: code, Problems: List{{what, hint}}}
}

// Failed is the failure of an operation that could not be done. The hint is the
// error's own, if it has one.
func Failed(err error) error {
	return &Failure{Code: CouldNotRun, Problems: List{Of(err)}}
}

// Of takes the remedy out of an error that knows one.
func Of(err error) Problem {
	f := Problem{What: err.Error()}
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		f.Hint = h.Hint()
	}
	return f
}

// AsFailure turns whatever the program ended with into a failure. Verbs return
// nothing else; what is left are cobra's own complaints about the command line.
func AsFailure(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return &Failure{Code: BadUsage, Problems: List{Of(err)}}
}

// Hinted is an error that knows the remedy. Err is the cause, nil without one; What says it.
type Hinted struct {
	What, Remedy string
	Err          error
}

func (h *Hinted) Error() string { return h.What }
func (h *Hinted) Hint() string  { return h.Remedy }
func (h *Hinted) Unwrap() error { return h.Err }
