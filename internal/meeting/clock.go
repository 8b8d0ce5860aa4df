package meeting

import (
	"context"
	"errors"
	"math"
	"time"
)

// exchanges is how often the server is asked for its time. The answer with the shortest
// round trip leaves the least doubt.
const exchanges = 64

// clock is the clock of this host: its wall clock as of one moment, and from there on
// the monotonic clock, which is never set.
type clock struct {
	base time.Time
	wall int64 // of the base, nanoseconds since 1970
}

func newClock(now time.Time) clock { return clock{now, now.UnixNano()} }

// now is the time on this clock, in nanoseconds since 1970.
func (c clock) now() int64 { return c.wall + int64(time.Since(c.base)) }

// at is a time on this clock, with a monotonic clock reading.
func (c clock) at(ns int64) time.Time { return c.base.Add(time.Duration(ns - c.wall)) }

// Comparison is how the clock of the server stood to that of this host.
type Comparison struct {
	// Offset is the server's clock less this host's, taken halfway through an exchange.
	Offset time.Duration
	// RoundTrip is how long that exchange took.
	RoundTrip time.Duration
	// At is when it was, since the connection was opened.
	At time.Duration
}

// Uncertainty is by how much the true offset can differ from Offset: the server was asked
// at any moment of the exchange (Cristian 1989), and answers in whole microseconds.
func (c Comparison) Uncertainty() time.Duration { return c.RoundTrip/2 + time.Microsecond }

// Compare compares the clocks.
func (m *Meeting) Compare(ctx context.Context) (Comparison, error) {
	best := Comparison{RoundTrip: math.MaxInt64}
	for range exchanges {
		sent := m.clock.now()
		server, err := m.conn.Time(ctx).Result()
		received := m.clock.now()
		if err != nil && best.RoundTrip < math.MaxInt64 && errors.Is(err, context.DeadlineExceeded) {
			break // a server that is far away: the best of fewer exchanges
		}
		if err != nil {
			return best, m.servers.Explain("ask the server for its time", m.key(), err)
		}
		if r := time.Duration(received - sent); r < best.RoundTrip {
			best = Comparison{
				Offset: time.Duration(server.UnixNano() - sent - (received-sent)/2), RoundTrip: r,
				At: time.Duration(received - m.clock.wall),
			}
		}
	}
	return best, nil
}
