package redistest_test

import (
	"net"
	"net/url"

	"github.com/queuedyno/queuedyno/redisserver"
)

// reach dials the server.
func reach(s *redisserver.Server) error {
	u, err := url.Parse(s.URL())
	if err != nil {
		return err
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		return err
	}
	return c.Close()
}
