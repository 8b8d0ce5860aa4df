package draw

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// mostFaults is how many faults of a file are reported at once.
const mostFaults = 20

// Load returns the distribution with the values of its file. Other laws than
// Samples are returned as they are.
func (d Duration) Load() (Duration, error) {
	if d.Law != Samples {
		return d, nil
	}
	file, err := os.Open(d.Path)
	if err != nil {
		return d, fmt.Errorf("load times: %w", err)
	}
	defer file.Close()
	if d.Values, err = readValues(file); err != nil {
		return d, fmt.Errorf("load times from %s: %w", d.Path, err)
	}
	return d, nil
}

// readValues reads times, one a line, as seconds (0.005) or with a unit (5ms).
// Empty lines and those that begin with # are skipped. Up to 20 faults are
// reported at once, each with its line.
func readValues(r io.Reader) ([]time.Duration, error) {
	var values []time.Duration
	var faults []error
	lines, line := bufio.NewScanner(r), 0
	for lines.Scan() && len(faults) < mostFaults {
		line++
		text := strings.TrimSpace(lines.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		v, ok := readValue(text)
		switch {
		case !ok:
			faults = append(faults, fmt.Errorf("line %d: %.60q is not a time between 0 and %s; write seconds such as 0.005, or 5ms", line, text, maxParameter))
		case len(values) == maxValues:
			return nil, fmt.Errorf("line %d: more than %d times", line, maxValues)
		default:
			values = append(values, v)
		}
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, fmt.Errorf("line %d: %w", line+1, err))
	}
	if len(faults) == 0 && len(values) == 0 {
		return nil, errors.New("no times: write one a line, in seconds such as 0.005, or as 5ms")
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return values, nil
}

// readValue reads "0.005" or "5ms".
func readValue(text string) (time.Duration, bool) {
	v, err := time.ParseDuration(text)
	if err != nil {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || !(math.Abs(seconds) <= maxParameter.Seconds()) {
			return 0, false
		}
		v = time.Duration(math.Round(seconds * float64(time.Second)))
	}
	return v, v >= 0 && v <= maxParameter
}
