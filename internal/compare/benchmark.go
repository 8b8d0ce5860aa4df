package compare

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// Printed are the Go benchmark lines that a command printed.
type Printed struct {
	Lines []Line
	// Lost is the sum of what has the unit "lost".
	Lost int64
	// Failed are the lines in which go test says that something failed.
	Failed []string
	// Unread are the benchmark lines that hold no figures, as a panic or a log
	// message in the middle of a line leaves them.
	Unread []string
	units  benchfmt.UnitMetadataMap
}

// Line is one line of one benchmark.
type Line struct {
	// Name is the full name without "Benchmark", but with sub-benchmarks and
	// the GOMAXPROCS suffix.
	Name string
	// Config holds the configuration that was printed before the line, such as
	// pkg, goos and cpu.
	Config map[string]string
	// Figures are by unit.
	Figures map[string]float64
}

// procs is the number that may be the GOMAXPROCS suffix of the name, such as
// "-8", and empty where the name does not end in one.
func (l Line) procs() string {
	_, parts := benchfmt.Name(l.Name).Parts()
	if len(parts) > 0 && parts[len(parts)-1][0] == '-' {
		return string(parts[len(parts)-1])
	}
	return ""
}

// Higher reports whether a higher figure is better: as the command printed it, or
// else for units per second.
func (p Printed) Higher(name string) bool {
	_, unit := SplitFigure(name)
	if better := p.units.Get(unit, "better"); better != nil {
		return better.Value == "higher"
	}
	return strings.HasSuffix(unit, "/s")
}

// ReadBenchmarks reads the output of go test -bench, or of go test -json -bench,
// and ignores everything else in it.
func ReadBenchmarks(from io.Reader) (Printed, error) {
	var p Printed
	output, err := io.ReadAll(from)
	if err != nil {
		return p, fmt.Errorf("read benchmarks: %w", err)
	}
	text := &benchmarkText{}
	text.read(output)
	p.Failed, p.Unread = text.failed, text.unread
	reader := benchfmt.NewReader(bytes.NewReader(text.clean.Bytes()), "output")
	for reader.Scan() {
		switch one := reader.Result().(type) {
		case *benchfmt.Result:
			p.add(one)
		case *benchfmt.SyntaxError:
			// Unreadable "Unit" lines do not matter.
			if line := text.written(one.Line); strings.HasPrefix(line, "Benchmark") {
				p.Unread = append(p.Unread, line)
			}
		}
	}
	if err := reader.Err(); err != nil {
		return p, fmt.Errorf("read benchmarks: %w", err)
	}
	p.units = reader.Units()
	return p, nil
}

// add keeps a copy of what the reader owns.
func (p *Printed) add(r *benchfmt.Result) {
	l := Line{Name: string(r.Name), Config: map[string]string{}, Figures: map[string]float64{}}
	for _, c := range r.Config {
		l.Config[c.Key] = string(c.Value)
	}
	for _, v := range r.Values {
		value, unit := v.Value, v.Unit
		if v.OrigUnit != "" {
			value, unit = v.OrigValue, v.OrigUnit
		}
		switch {
		case math.IsNaN(value) || math.IsInf(value, 0):
		case unit == "lost":
			p.Lost += int64(value)
		default:
			l.Figures[unit] = value
		}
	}
	p.Lines = append(p.Lines, l)
}

// SplitFigure cuts the name of a figure, such as "example.com/a Pop/batch=1
// ns/op", before its unit. The metric of a run has no unit in its name.
func SplitFigure(name string) (benchmark, unit string) {
	if i := strings.LastIndexByte(name, ' '); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", ""
}
