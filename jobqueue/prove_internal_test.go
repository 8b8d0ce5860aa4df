package jobqueue

import (
	"bufio"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/queuedyno/queuedyno/internal/redisconn"
)

// proving is a producer on a wire, and what its server was sent, command by
// command. serve answers each; it may take its time.
func proving(t *testing.T, others func() bool, serve func(far net.Conn, command string)) (*producer, *[]string) {
	t.Helper()
	w, far := pipe(t, others)
	w.Proves = true
	p := &producer{w: w, client: &Client{}, key: "q", owed: new(atomic.Int64)}
	if err := w.ExpectAnswers(func() bool { return p.owed.Load() > 0 }); err != nil {
		t.Fatal(err)
	}
	var got []string
	go func() {
		in := bufio.NewReader(far)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if word := strings.TrimSpace(line); word == "PING" || word == "LPUSH" {
				got = append(got, word)
				serve(far, word)
			}
		}
	}()
	return p, &got
}

// normal answers as a server does.
func normal(far net.Conn, command string) {
	if command == "PING" {
		far.Write([]byte("+PONG\r\n"))
		return
	}
	far.Write([]byte(":1\r\n"))
}

// pushing are the two ways of a push: by one goroutine, and with another one that
// reads the answers.
var pushing = map[string]func(t *testing.T, p *producer) func() error{
	"in step": func(t *testing.T, p *producer) func() error {
		return func() error { return p.Push(t.Context(), []byte("job")) }
	},
	"piped": func(t *testing.T, p *producer) func() error {
		answers := make(chan error, 10)
		go func() {
			for {
				err := p.Await()
				answers <- err
				if err != nil {
					return
				}
			}
		}()
		return func() error {
			synctest.Wait() // the other goroutine waits for an answer
			if err := p.Send([]byte("job")); err != nil {
				return err
			}
			if err := p.Flush(); err != nil {
				return err
			}
			return <-answers
		}
	},
}

func TestAnIdleConnectionIsProvedBeforeAJobIsPutOnIt(t *testing.T) {
	t.Parallel()
	var asked atomic.Bool
	for name, c := range map[string]struct {
		others func() bool
		serve  func(far net.Conn, command string)
		want   error
		most   time.Duration // until the push is answered or refused
		sent   string
	}{
		"alive": {unasked, normal, nil, time.Second, "PING LPUSH"},
		"alive, and PING is refused": {unasked, func(far net.Conn, command string) {
			if command == "PING" {
				far.Write([]byte("-ERR no such thing\r\n"))
				return
			}
			normal(far, command)
		}, nil, time.Second, "PING LPUSH"},
		"dead":                     {answering, func(net.Conn, string) {}, redisconn.ErrDead, 2 * time.Second, "PING"},
		"closed at the first word": {answering, func(far net.Conn, _ string) { far.Close() }, redisconn.ErrHungUp, 2 * time.Second, "PING"},
		"slow, and so on other connections": {answering, func(far net.Conn, command string) {
			if command == "PING" {
				time.Sleep(850 * time.Millisecond)
			}
			normal(far, command)
		}, nil, 2 * time.Second, "PING LPUSH"},
		"a stall of the whole server": {stalled, func(far net.Conn, command string) {
			if !asked.Swap(true) {
				go func() { // what comes meanwhile waits in line
					time.Sleep(9 * time.Second)
					far.Write([]byte("+PONG\r\n:1\r\n"))
				}()
			}
		}, nil, 10 * time.Second, "PING LPUSH"},
	} {
		for way, open := range pushing {
			t.Run(name+", "+way, func(t *testing.T) {
				asked.Store(false)
				synctest.Test(t, func(t *testing.T) {
					p, got := proving(t, c.others, c.serve)
					push := open(t, p)
					time.Sleep(3 * time.Second)
					from := time.Now()
					err := push()
					if !errors.Is(err, c.want) || c.want != nil && !redisconn.IsStale(err) || c.want == nil && err != nil {
						t.Errorf("a push = %v, want %v", err, c.want)
					}
					if took := time.Since(from); took > c.most {
						t.Errorf("that took %s", took)
					}
					synctest.Wait()
					synctest.Wait()
					if sent := strings.Join(*got, " "); sent != c.sent {
						t.Errorf("%s was sent, want %s", sent, c.sent)
					}
					if c.want == nil && !asked.Load() { // and the answers are still in step
						if err := push(); err != nil {
							t.Errorf("the next push = %v", err)
						}
					}
					p.w.Conn.Close()
				})
			})
		}
	}
}

func TestABusyConnectionIsNotProved(t *testing.T) {
	t.Parallel()
	for way, open := range pushing {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, got := proving(t, unasked, normal)
				push := open(t, p)
				for range 30 {
					time.Sleep(750 * time.Millisecond)
					if err := push(); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				if sent := strings.Join(*got, " "); strings.Contains(sent, "PING") {
					t.Errorf("%s was sent", sent)
				}
				p.w.Conn.Close()
			})
		})
	}
}

func TestAPushSoonAfterAProofNeedsNoOther(t *testing.T) {
	t.Parallel()
	for way, open := range pushing {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, got := proving(t, unasked, normal)
				push := open(t, p)
				for range 3 {
					time.Sleep(10 * time.Second)
					for range 3 {
						if err := p.Prove(); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(time.Second)
					if err := push(); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				if sent := strings.Join(*got, " "); sent != "PING LPUSH PING LPUSH PING LPUSH" {
					t.Errorf("%s was sent", sent)
				}
				p.w.Conn.Close()
			})
		})
	}
}
