package netfault_test

import (
	"io"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/queuedyno/queuedyno/redisserver/redistest"
)

// BenchmarkRoundTrip measures what an idle proxy costs: round trips on one connection,
// alternately direct and through a proxy. ratio is how many times as long they take
// through it, and added-ns by how much longer.
func BenchmarkRoundTrip(b *testing.B) {
	b.Run("echo", func(b *testing.B) {
		compare(b, server(b, "tcp", "127.0.0.1:0", echo), "0123456789012345678901234567890123456789012345678901234567890123", 64)
	})
	b.Run("redis", func(b *testing.B) {
		u, err := url.Parse(redistest.Server(b).URL())
		if err != nil {
			b.Fatal(err)
		}
		compare(b, u.Host, "PING\r\n", len("+PONG\r\n"))
	})
}

func compare(b *testing.B, upstream, request string, answer int) {
	p := front(b, upstream)
	conns := [2]net.Conn{dial(b, upstream), dial(b, p.Addr())}
	var took [2]time.Duration
	buf := make([]byte, answer)
	for i := 0; b.Loop(); i++ {
		for way, c := range conns {
			began := time.Now()
			if _, err := io.WriteString(c, request); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(c, buf); err != nil {
				b.Fatal(err)
			}
			took[way] += time.Since(began)
		}
	}
	b.ReportMetric(float64(took[1])/float64(took[0]), "ratio")
	b.ReportMetric(float64(took[1]-took[0])/float64(b.N), "added-ns")
	b.ReportMetric(float64(took[0])/float64(b.N), "direct-ns")
	b.ReportMetric(0, "ns/op")
}
