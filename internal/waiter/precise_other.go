//go:build !linux

package waiter

func newPrecise() (Waiter, error) { return Coarse() }
