package netfault_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/queuedyno/queuedyno/internal/netfault"
)

// talker sends numbered lines, as fast as their echoes come and a few ahead, and
// dials again whenever its connection is gone. On each connection the echo must be what
// was sent, from the beginning on and without a gap.
type talker struct {
	addr    string
	stop    chan struct{}
	lines   atomic.Int64  // that came back
	changed chan struct{} // has a value after each line
	wrong   error
}

func (k *talker) run() {
	for {
		c, err := net.Dial("tcp", k.addr)
		if err == nil {
			k.talk(c)
			c.Close()
		}
		select {
		case <-k.stop:
			return
		case <-time.After(ms):
		}
	}
}

// talk talks on one connection until it breaks.
func (k *talker) talk(c net.Conn) {
	unblock := make(chan struct{})
	var helper sync.WaitGroup
	defer helper.Wait()
	defer close(unblock)
	helper.Go(func() {
		select {
		case <-k.stop:
			c.Close()
		case <-unblock:
		}
	})
	const ahead, line = 8, 64
	back := make([]byte, line)
	for n := 0; ; n++ {
		if _, err := fmt.Fprintf(c, "%*d", line, n); err != nil {
			return
		}
		if n < ahead {
			continue
		}
		if _, err := io.ReadFull(c, back); err != nil {
			return
		}
		if want := fmt.Sprintf("%*d", line, n-ahead); string(back) != want {
			k.wrong = fmt.Errorf("%q came back; want %q", back, want)
			return
		}
		k.lines.Add(1)
		select {
		case k.changed <- struct{}{}:
		default:
		}
	}
}

// flows waits until lines come back.
func (k *talker) flows() error {
	deadline := time.After(30 * time.Second)
	// What was under way may come back late; what was sent since comes after that.
	for from := k.lines.Load(); k.lines.Load() < from+20; {
		select {
		case <-k.changed:
		case <-deadline:
			return errors.New("nothing comes back after the end of all faults")
		}
	}
	return nil
}

var someFault = rapid.Custom(func(t *rapid.T) netfault.Fault {
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return netfault.Fault{Down: true}
	case 1:
		return netfault.Fault{Reset: true}
	case 2:
		return netfault.Fault{Swallow: true}
	case 3:
		return netfault.Fault{Bandwidth: rapid.Int64Range(1000, 1_000_000).Draw(t, "bandwidth")}
	case 4:
		return netfault.Fault{Latency: 10 * time.Hour}
	}
	latency := rapid.IntRange(1, 8).Draw(t, "latency")
	return netfault.Fault{
		Latency: time.Duration(latency) * ms, Jitter: time.Duration(rapid.IntRange(0, latency).Draw(t, "jitter")) * ms,
		Bandwidth: rapid.SampledFrom([]int64{0, 20_000}).Draw(t, "bandwidth"),
	}
})

// Whatever the faults were: no connection ever delivers anything but what was sent, in
// order; after the last one ends everything flows; and Close leaves no goroutine.
func TestAfterRandomFaultsEverythingFlowsAndNothingIsLeft(t *testing.T) { // not parallel: it counts goroutines
	rapid.Check(t, func(t *rapid.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		defer all.Wait()
		defer l.Close()
		all.Go(func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				all.Go(func() {
					defer c.Close()
					_, _ = io.Copy(c, c)
				})
			}
		})
		p, err := netfault.Listen("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		talkers := make([]*talker, 3)
		stop := make(chan struct{})
		halt := sync.OnceFunc(func() { close(stop) })
		defer halt()
		for i := range talkers {
			talkers[i] = &talker{addr: p.Addr(), stop: stop, changed: make(chan struct{}, 1)}
			all.Go(talkers[i].run)
		}
		var ends []func() error
		end := func(i int) {
			if err := ends[i](); err != nil {
				t.Fatal(err)
			}
			ends = append(ends[:i], ends[i+1:]...)
		}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			if len(ends) > 0 && rapid.Bool().Draw(t, "end") {
				end(rapid.IntRange(0, len(ends)-1).Draw(t, "which"))
			} else {
				e, err := p.Begin(someFault.Draw(t, "fault"))
				if err != nil {
					t.Fatal(err)
				}
				ends = append(ends, e)
			}
			time.Sleep(time.Duration(rapid.IntRange(0, 3).Draw(t, "pause")) * ms)
		}
		for len(ends) > 0 {
			end(0)
		}
		for _, k := range talkers {
			if err := k.flows(); err != nil {
				t.Fatal(err)
			}
		}
		halt()
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		l.Close()
		all.Wait()
		for _, k := range talkers {
			if k.wrong != nil {
				t.Error(k.wrong)
			}
		}
		if left := leftovers(); left != "" {
			t.Errorf("goroutines are left:\n%s", left)
		}
	})
}
