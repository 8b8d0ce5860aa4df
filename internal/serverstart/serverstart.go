// Package serverstart is what starting a server of any kind has in common: whose fault
// it is that it failed, and the choice of the first kind that is available.
//
// Begin reading at [First].
package serverstart

import (
	"context"
	"errors"
	"fmt"
)

var (
	// ErrUsage is matched by errors about options that no machine could satisfy.
	ErrUsage = errors.New("usage")
	// ErrUnavailable is matched by errors about a kind of server that this machine
	// does not have.
	ErrUnavailable = errors.New("unavailable")
)

// Usagef is an error that matches [ErrUsage] and says only its own text.
func Usagef(format string, args ...any) error {
	return &kindError{kind: ErrUsage, err: fmt.Errorf(format, args...)}
}

// Unavailable is an error that matches [ErrUnavailable] and says only its own text and
// the remedy, which may be "".
func Unavailable(err error, remedy string) error {
	return &kindError{kind: ErrUnavailable, err: err, remedy: remedy}
}

// Reason is the text of an error without the remedy of [Unavailable], which is useless
// to a user who got another server instead.
func Reason(err error) string {
	if k, ok := errors.AsType[*kindError](err); ok {
		return k.err.Error()
	}
	return err.Error()
}

// kindError gives an error a sentinel without the sentinel's text.
type kindError struct {
	kind   error
	err    error
	remedy string // "" or what to do about it
}

func (e *kindError) Error() string {
	if e.remedy == "" {
		return e.err.Error()
	}
	return e.err.Error() + " (" + e.remedy + ")"
}

func (e *kindError) Unwrap() []error { return []error{e.kind, e.err} }

// First starts the first server that is available, and returns the reasons why those
// before it are not.
//
// A server that is there and does not start with the user's settings is the user's to
// know about: with settings, only what is unavailable is skipped. Going on would try
// the same settings on the next kind, after pulling an image for it.
func First[O, S any](ctx context.Context, o O, settings bool, starts ...func(context.Context, O) (S, error)) (s S, skipped []string, err error) {
	var all []error
	for _, start := range starts {
		s, err := start(ctx, o)
		if err == nil {
			return s, skipped, nil
		}
		if ctx.Err() != nil || settings && !errors.Is(err, ErrUnavailable) {
			return s, nil, err
		}
		skipped, all = append(skipped, Reason(err)), append(all, err)
	}
	return s, nil, Unavailable(errors.Join(all...), "")
}
