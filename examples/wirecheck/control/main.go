// Command control pushes jobs through the same pipeline as queuedyno, with
// plain connections and without its code, and stamps them at the same two
// moments: before the LPUSH is written, after the message was read.
//
//	control PORT
//
// It writes what wirecheck needs of a result.json to standard output. What it
// reports above the wire is what any Go program on this machine would; it says
// how much of queuedyno's own difference is queuedyno's. Load and pools are
// those of run.sh. Begin reading at [drive].
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/queuedyno/queuedyno/examples/wirecheck/resp"
)

const (
	runID     = "c0c0c0c0c0c0c0c"
	idPrefix  = "c0c0c0c0-c0c0-8c0c-8000-" // and twelve digits of the job's number
	queue     = "wirecheck:control"
	channel   = "wirecheck:control:updates"
	consumers = 4
	interval  = time.Millisecond
	warmup    = 2000 // jobs
	jobs      = 12000
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: control PORT")
		os.Exit(2)
	}
	lasted, err := drive("127.0.0.1:" + os.Args[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result(lasted[warmup:]))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "control:", err)
		os.Exit(1)
	}
}

// drive runs the load against the server and returns how long each job took,
// from before its LPUSH to after its message. It leaves an empty queue.
func drive(address string) ([]time.Duration, error) {
	subscriber, err := dial(address)
	if err != nil {
		return nil, err
	}
	defer subscriber.Close()
	if _, err := subscriber.do("SUBSCRIBE", channel); err != nil {
		return nil, err
	}
	failed := make(chan error, consumers+2)
	for range consumers {
		c, err := dial(address)
		if err != nil {
			return nil, err
		}
		defer c.Close() // which ends the goroutine
		go func() { failed <- c.consume() }()
	}
	producer, err := dial(address)
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	go func() {
		for {
			if _, err := producer.read(); err != nil {
				failed <- err
				return
			}
		}
	}()

	sent, arrived := make([]time.Time, jobs), make([]time.Time, jobs)
	heard := make(chan error, 1)
	go func() { heard <- subscriber.hear(arrived) }()
	epoch := time.Now()
	for k := range jobs {
		push := command("LPUSH", queue, fmt.Sprintf("%s%012x", idPrefix, k))
		time.Sleep(time.Until(epoch.Add(time.Duration(k) * interval)))
		sent[k] = time.Now()
		if _, err := producer.Write(push); err != nil {
			return nil, err
		}
	}
	select {
	case err = <-heard:
	case err = <-failed:
	case <-time.After(10 * time.Second):
		err = errors.New("wait for the last message: none came for 10 s")
	}
	if err != nil {
		return nil, err
	}
	lasted := make([]time.Duration, jobs)
	for k := range lasted {
		lasted[k] = arrived[k].Sub(sent[k])
	}
	return lasted, nil
}

// result is what wirecheck needs to know of the run.
func result(lasted []time.Duration) map[string]any {
	slices.Sort(lasted)
	rank := func(percent int) time.Duration { return lasted[(len(lasted)*percent+99)/100-1] }
	return map[string]any{
		"schema": 1,
		"run":    map[string]any{"id": runID, "scenario": "control"},
		"scenario": map[string]any{"subscribers": 1, "batch": 1,
			"load": map[string]any{"rate": fmt.Sprintf("%d/s", time.Second/interval), "arrivals": "constant"}},
		"window":   map[string]any{"from_ns": warmup * interval, "scheduled": len(lasted), "completed": len(lasted)},
		"stages":   map[string]any{"from_send": map[string]any{"p50_ns": rank(50), "p99_ns": rank(99)}},
		"validity": map[string]any{"verdict": "not judged"},
	}
}

// conn is a connection to Redis. One goroutine may read while another writes.
type conn struct {
	net.Conn
	unread, buffer []byte
}

func dial(address string) (*conn, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, buffer: make([]byte, 64<<10)}, nil
}

// consume does the work of a consumer until the connection is closed.
func (c *conn) consume() error {
	for {
		job, err := c.do("BRPOP", queue, "0")
		if err != nil {
			return err
		}
		if len(job) != 2 {
			return fmt.Errorf("pop: an answer of %q", job)
		}
		update := fmt.Sprintf(`{"tenantId":"t1","jobId":%q,"status":"COMPLETED","error":null}`, job[1])
		if _, err := c.do("PUBLISH", channel, update); err != nil {
			return err
		}
	}
}

// hear notes when the message of each job arrived, until all have.
func (c *conn) hear(arrived []time.Time) error {
	for range arrived {
		message, err := c.read()
		at := time.Now()
		if err != nil {
			return err
		}
		if len(message) != 3 {
			return fmt.Errorf("receive: a message of %q", message)
		}
		_, id, _ := bytes.Cut(message[2], []byte(idPrefix))
		k, err := strconv.ParseUint(string(id[:min(12, len(id))]), 16, 64)
		if err != nil || k >= uint64(len(arrived)) {
			return fmt.Errorf("receive: no job of ours in %q", message[2])
		}
		arrived[k] = at
	}
	return nil
}

// do sends a command and reads its answer.
func (c *conn) do(words ...string) ([][]byte, error) {
	if _, err := c.Write(command(words...)); err != nil {
		return nil, err
	}
	return c.read()
}

// read reads one frame, valid until the next call.
func (c *conn) read() ([][]byte, error) {
	for {
		texts, n, err := resp.Next(c.unread)
		if err == nil {
			c.unread = c.unread[n:]
			return texts, nil
		} else if !errors.Is(err, resp.ErrShort) {
			return nil, err
		}
		kept := copy(c.buffer, c.unread)
		n, err = c.Read(c.buffer[kept:])
		if err != nil {
			return nil, err
		}
		c.unread = c.buffer[:kept+n]
	}
}

func command(words ...string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, w := range words {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b
}
