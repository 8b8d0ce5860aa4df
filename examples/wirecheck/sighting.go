package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/examples/wirecheck/pcap"
	"github.com/queuedyno/queuedyno/examples/wirecheck/resp"
	"github.com/queuedyno/queuedyno/examples/wirecheck/tcp"
)

// sighting is when the packets of one job were captured, in nanoseconds since
// 1970, 0 for never. A frame that lies in several packets leaves with the first
// and has arrived with the last.
type sighting struct {
	pushed    int64 // the packet with the first byte of its LPUSH, to the server
	published int64 // the packet with the first byte of its PUBLISH, to the server
	delivered int64 // the packet with the last byte of its message, from the server
}

// sightings are those of the jobs of one run, by their number.
type sightings struct {
	run  string
	jobs map[int64]*sighting
}

// readSightings reads a capture of the given port of a Redis server. It wraps
// [errInconclusive] when the capture lacks packets.
func readSightings(capture io.Reader, port uint16, run string) (*sightings, error) {
	r, err := pcap.NewReader(capture)
	if err != nil {
		return nil, err
	}
	var streams tcp.Streams
	for {
		p, err := r.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		if s, ok := tcp.Decode(r.Link(), p.Data); ok && (s.From.Port() == port || s.To.Port() == port) {
			streams.Add(p.At, s)
		}
	}
	s := &sightings{run: run, jobs: map[int64]*sighting{}}
	for _, stream := range streams.All() {
		note := s.fromClient
		if stream.From.Port() == port {
			note = s.fromServer
		}
		if err := s.read(stream, note); err != nil {
			return nil, fmt.Errorf("stream from %s to %s: %w", stream.From, stream.To, err)
		}
	}
	return s, nil
}

// read notes every frame of a stream. A frame that the end of the capture cut
// off is left out.
func (s *sightings) read(stream *tcp.Stream, note func(texts [][]byte, first, last int64)) error {
	data, at, whole := stream.Bytes()
	if !whole {
		return fmt.Errorf("%w: packets are missing after %d bytes; capture with a larger buffer, and from before the run", errInconclusive, len(data))
	}
	for from := 0; from < len(data); {
		texts, n, err := resp.Next(data[from:])
		if errors.Is(err, resp.ErrShort) {
			return nil
		} else if err != nil {
			return fmt.Errorf("at byte %d: %w", from, err)
		}
		note(texts, at[from], at[from+n-1])
		from += n
	}
	return nil
}

// fromClient notes a command.
func (s *sightings) fromClient(texts [][]byte, first, _ int64) {
	if len(texts) < 3 {
		return
	}
	switch strings.ToUpper(string(texts[0])) {
	case "LPUSH":
		for _, id := range texts[2:] {
			if job := s.job(string(id)); job != nil {
				earliest(&job.pushed, first)
			}
		}
	case "PUBLISH":
		if job := s.update(texts[2]); job != nil {
			earliest(&job.published, first)
		}
	}
}

// fromServer notes a push or an answer.
func (s *sightings) fromServer(texts [][]byte, _, last int64) {
	if len(texts) == 3 && string(texts[0]) == "message" {
		if job := s.update(texts[2]); job != nil {
			earliest(&job.delivered, last)
		}
	}
}

// update is the job that a message says is over, nil for any other message.
func (s *sightings) update(message []byte) *sighting {
	var u struct{ JobID, Status string }
	if json.Unmarshal(message, &u) != nil || u.Status == "RUNNING" {
		return nil
	}
	return s.job(u.JobID)
}

// job is the job with the given id, nil when that is not one of the run.
func (s *sightings) job(id string) *sighting {
	run, n, ok := parseID(id)
	if !ok || run != s.run {
		return nil
	}
	job := s.jobs[n]
	if job == nil {
		job = &sighting{}
		s.jobs[n] = job
	}
	return job
}

func earliest(stamp *int64, at int64) {
	if *stamp == 0 || at < *stamp {
		*stamp = at
	}
}

// parseID reads an id of the form rrrrrrrr-rrrr-8rrr-Vnnn-nnnnnnnnnnnn: the
// run's id, and in the last 62 bits the job's number.
func parseID(id string) (run string, n int64, ok bool) {
	parts := strings.Split(id, "-")
	if len(id) != 36 || len(parts) != 5 || len(parts[0]) != 8 || len(parts[1]) != 4 ||
		len(parts[2]) != 4 || len(parts[3]) != 4 || parts[2][0] != '8' {
		return "", 0, false
	}
	low, err := strconv.ParseUint(parts[3]+parts[4], 16, 64)
	if err != nil || low>>62 != 2 {
		return "", 0, false
	}
	return parts[0] + parts[1] + parts[2][1:], int64(low &^ (3 << 62)), true
}
