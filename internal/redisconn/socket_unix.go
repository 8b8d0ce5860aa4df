//go:build unix

package redisconn

import (
	"net"
	"syscall"
)

// rawOf is the socket of a connection, below TLS; nil if it has no socket.
func rawOf(conn net.Conn) syscall.RawConn {
	if secured, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secured.NetConn()
	}
	s, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
