package main

import (
	"errors"
	"strings"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1   // could not run, or an error ended the run
	exitUsage       = 2   // the command line, the environment or a file is wrong
	exitRegression  = 3   // the candidate is worse than the baseline
	exitInvalid     = 4   // the figures cannot be believed, or there are none
	exitThreshold   = 99  // a threshold failed; k6 has the same number
	exitInterrupted = 130 // as a shell says it of SIGINT
)

// fault is one thing that is wrong, in one line without a final stop, and what
// the user can do about it, where that is known.
type fault struct {
	what, hint string
}

// failure is an error that knows the exit code of the program. It may carry
// several faults: all that were found, and not just the first.
type failure struct {
	code   int
	faults []fault
}

func (f *failure) Error() string {
	all := make([]string, len(f.faults))
	for i, one := range f.faults {
		all[i] = one.what
	}
	return strings.Join(all, "; ")
}

// usageErr is the failure of somebody who got the command line, the
// environment or a file wrong. It is nil when there is no fault.
func usageErr(faults ...fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &failure{code: exitUsage, faults: faults}
}

// failed is the failure of an operation that could not be done. The hint is the
// error's own, if it has one.
func failed(err error) error {
	return &failure{code: exitFailed, faults: []fault{faultOf(err)}}
}

// faultOf takes the remedy out of an error that knows one.
func faultOf(err error) fault {
	f := fault{what: err.Error()}
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		f.hint = h.Hint()
	}
	return f
}

// asFailure turns whatever the program ended with into a failure. Verbs return
// nothing else; what is left are cobra's own complaints about the command line.
func asFailure(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return &failure{code: exitUsage, faults: []fault{faultOf(err)}}
}
