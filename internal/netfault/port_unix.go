//go:build unix

package netfault

import (
	"context"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// listen accepts connections at the address, also where [reserve] holds it.
func listen(addr *net.TCPAddr) (net.Listener, error) {
	c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		if err != nil {
			return err
		}
		return failed
	}}
	return c.Listen(context.Background(), "tcp4", addr.String())
}

// reserve holds the port by a socket that accepts nothing. Without it, a client that
// dials meanwhile could be given the port as its end.
func reserve(addr *net.TCPAddr) (free func(), err error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	at := &unix.SockaddrInet4{Port: addr.Port}
	copy(at.Addr[:], addr.IP.To4())
	// Not SO_REUSEADDR: with that on both sides, Linux would give the port to others.
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(fd, at); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	return func() { unix.Close(fd) }, nil
}
