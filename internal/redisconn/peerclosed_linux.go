package redisconn

import (
	"net"

	"golang.org/x/sys/unix"
)

// PeerClosed reports whether the other side has closed the connection, as far as
// this host has heard. It asks the kernel and reads nothing, so that it may be
// called while another goroutine reads, and finds a close behind unread bytes,
// which TLS always sends.
func PeerClosed(conn net.Conn) bool {
	raw := rawOf(conn)
	if raw == nil {
		return false
	}
	fds := []unix.PollFd{{Events: unix.POLLRDHUP}}
	n := 0
	err := raw.Control(func(fd uintptr) {
		fds[0].Fd = int32(fd)
		n, _ = unix.Poll(fds, 0)
	})
	return err != nil || n > 0 && fds[0].Revents&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
}
