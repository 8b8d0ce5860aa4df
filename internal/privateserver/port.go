package privateserver

import (
	"errors"
	"net"
)

// PortTries is how often another port is tried when a port was taken between being chosen
// and being bound.
const PortTries = 5

// ErrPortTaken means that another process was faster to bind a port.
var ErrPortTaken = errors.New("port was taken in the meantime")

// OnFreePort calls start, which chooses a port, again where that port was taken.
func OnFreePort[T any](start func() (T, error)) (got T, err error) {
	for range PortTries {
		if got, err = start(); !errors.Is(err, ErrPortTaken) {
			break
		}
	}
	return got, err
}

// FreePort is a loopback port, at most so high, that was free a moment ago. Another
// process may be faster to bind it.
func FreePort(highest int) (int, error) {
	const tries = 50
	port := 0
	for range tries {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port = l.Addr().(*net.TCPAddr).Port
		l.Close()
		if port <= highest {
			break
		}
	}
	return port, nil
}
