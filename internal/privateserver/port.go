package privateserver

import "net"

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
