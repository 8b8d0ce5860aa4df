//go:build unix && !linux

package redisconn

import (
	"net"

	"golang.org/x/sys/unix"
)

// PeerClosed reports whether the other side has closed the connection, as far as
// this host has heard. It consumes nothing. Behind unread bytes, which TLS sends
// before it closes, a close is not seen here.
func PeerClosed(conn net.Conn) bool {
	raw := rawOf(conn)
	if raw == nil {
		return false
	}
	closed := false
	err := raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		closed = n == 0 && err == nil || err != nil && err != unix.EAGAIN && err != unix.EWOULDBLOCK && err != unix.EINTR
	})
	return err != nil || closed
}
