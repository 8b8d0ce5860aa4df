// Package shard finds out which shard of a load a run is to send: as I/N, or from what the
// engine that started the copies has put into the environment. It also says what all
// shards of one load must have in common. It connects to nothing. Begin reading at
// [Parse].
package shard

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/scenario"
	"github.com/queuedyno/queuedyno/scenario/pace"
)

// Max is the largest number of shards of one load: as many have been tried. Each reads the
// marks of all others when it comes to their meeting.
const Max = 200

// engine is one that starts copies of a program, and says to each which one it is.
type engine struct {
	name string
	// index is the variable with the number of the copy, and of the one with the number
	// of copies; empty where the engine does not say that.
	index, of string
	// from is the variable with the lowest number, and step the one with the distance
	// between two; empty where the engine has no such variable. first is the lowest number
	// then.
	from, step string
	first      int
}

// engines are those that [Parse] knows, the most specific first.
func engines() []engine {
	return []engine{
		{name: "Kubernetes", index: "JOB_COMPLETION_INDEX"},
		{name: "AWS Batch", index: "AWS_BATCH_JOB_ARRAY_INDEX", of: "AWS_BATCH_JOB_ARRAY_SIZE"},
		{name: "Slurm", index: "SLURM_ARRAY_TASK_ID", of: "SLURM_ARRAY_TASK_COUNT", from: "SLURM_ARRAY_TASK_MIN", step: "SLURM_ARRAY_TASK_STEP"},
		{name: "Slurm", index: "SLURM_PROCID", of: "SLURM_NTASKS"},
		{name: "Nomad", index: "NOMAD_ALLOC_INDEX"},
		{name: "Docker Swarm", index: "TASK_SLOT", first: 1},
	}
}

// Variables are the names of the variables that hold the number of a shard.
func Variables() (names []string) {
	for _, e := range engines() {
		names = append(names, e.index)
	}
	return names
}

// Parse reads I/N, auto or auto/N. With auto the number is that of the variable that the
// engine has set; N is needed where the engine does not say it. from names the variable,
// empty without one.
func Parse(text string, getenv func(string) string) (s pace.Shard, from string, err error) {
	index, of, cut := strings.Cut(strings.TrimSpace(text), "/")
	n := 0
	if cut {
		if n, err = strconv.Atoi(of); err != nil || n < 1 || n > Max {
			return s, "", fmt.Errorf("%q: the number of shards must be a whole number from 1 to %d", text, Max)
		}
	}
	if index == "auto" {
		return auto(n, getenv)
	}
	i, err := strconv.Atoi(index)
	switch {
	case err != nil || !cut:
		return s, "", fmt.Errorf("%q is not a shard: write I/N, such as 0/4 for the first of four, or auto", text)
	case i < 0 || i >= n:
		return s, "", fmt.Errorf("%q: shards count from 0, so the last of %d is %d/%d", text, n, n-1, n)
	}
	return pace.Shard{Index: i, Of: n}, "", nil
}

// auto finds the shard in the environment. n is the number of shards, 0 where it is not
// given.
func auto(n int, getenv func(string) string) (s pace.Shard, from string, err error) {
	for _, e := range engines() {
		if getenv(e.index) != "" {
			s, err = e.shard(n, getenv)
			return s, e.index, err
		}
	}
	return s, "", fmt.Errorf("auto finds no number: %s is not set", strings.Join(Variables(), " or "))
}

// shard is the shard that the engine says.
func (e engine) shard(n int, getenv func(string) string) (pace.Shard, error) {
	var faults []error
	number := func(name string, otherwise int) int {
		text := ""
		if name != "" {
			text = getenv(name)
		}
		if text == "" {
			return otherwise
		}
		v, err := strconv.Atoi(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %q is not a whole number", name, text))
		}
		return v
	}
	index, of := number(e.index, 0), number(e.of, n)
	first, step := number(e.from, e.first), max(1, number(e.step, 1))
	if err := errors.Join(faults...); err != nil {
		return pace.Shard{}, err
	}
	switch {
	case of == 0:
		return pace.Shard{}, fmt.Errorf("%s does not say how many shards there are; write --shard auto/N", e.name)
	case n != 0 && of != n:
		return pace.Shard{}, fmt.Errorf("auto/%d: %s says that there are %d (%s)", n, e.name, of, e.of)
	case of < 1 || of > Max:
		return pace.Shard{}, fmt.Errorf("%s says that there are %d shards (%s); at most %d are possible", e.name, of, e.of, Max)
	}
	s := pace.Shard{Index: (index - first) / step, Of: of}
	if index < first || s.Index >= of {
		return pace.Shard{}, fmt.Errorf("%s: %d is not a shard of %d", e.index, index, of)
	}
	return s, nil
}

// Configuration is a hash of everything that shards of one load must have in common: the
// scenario with its defaults, the recorded times, and the seed. The scenario was opened.
func Configuration(s scenario.Scenario) (string, error) {
	s = s.WithDefaults()
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(s); err != nil {
		return "", fmt.Errorf("hash the scenario: %w", err)
	}
	if t := s.Load.Replay.Times; t != nil {
		if err := binary.Write(h, binary.LittleEndian, t.Times); err != nil {
			return "", fmt.Errorf("hash the recorded times: %w", err)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// Seed is the seed of a scenario that has none: every shard must draw the same, and each
// can work it out alone. It is never 0 and has 53 bits at most.
func Seed(s scenario.Scenario) (uint64, error) {
	hash, err := Configuration(s)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(hash, 16, 64)
	return n>>11 | 1, err
}
