// Command wirecheck compares what queuedyno reported of a run with what the
// packets of that run show.
//
//	wirecheck -port PORT CAPTURE RESULT
//
// CAPTURE is what "tcpdump -w" wrote of the Redis server's PORT, from before
// the run began; RESULT is the run's result.json. It prints both figures for
// each quantile and exits with 0 when they agree, 1 when it could not tell why,
// 2 for a wrong command line, 3 when they differ and 4 when the capture or the
// run is of no use for a comparison. run.sh makes both files and calls it.
//
// It shares no code with queuedyno: not the parser of the protocol, not the
// layout of ids, not the quantiles. Begin reading at [readSightings].
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// The exit codes; those of queuedyno where it has the same.
const (
	exitAgree        = 0
	exitError        = 1
	exitUsage        = 2
	exitDiffer       = 3
	exitInconclusive = 4
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("wirecheck", flag.ContinueOnError)
	flags.SetOutput(stderr)
	port := flags.Uint("port", 0, "the Redis server's TCP `PORT`")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: wirecheck -port PORT CAPTURE RESULT")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitAgree
	} else if err != nil {
		return exitUsage
	}
	if flags.NArg() != 2 || *port == 0 || *port > 65535 {
		flags.Usage()
		return exitUsage
	}
	c, err := check(flags.Arg(0), flags.Arg(1), uint16(*port))
	if err != nil {
		fmt.Fprintln(stderr, "wirecheck:", err)
		if errors.Is(err, errInconclusive) {
			return exitInconclusive
		}
		return exitError
	}
	if err := c.print(stdout); err != nil {
		fmt.Fprintln(stderr, "wirecheck:", err)
		return exitError
	}
	if !c.agrees() {
		return exitDiffer
	}
	return exitAgree
}

// errInconclusive is wrapped by errors that say why nothing can be compared.
// The remedy is another run.
var errInconclusive = errors.New("inconclusive")

// check reads both files and compares them.
func check(capture, result string, port uint16) (*comparison, error) {
	reported, err := readResult(result)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(capture)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	seen, err := readSightings(bufio.NewReaderSize(f, 1<<20), port, reported.Run.ID)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", capture, err)
	}
	return compare(reported, seen)
}
