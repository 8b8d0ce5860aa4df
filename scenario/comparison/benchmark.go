package comparison

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Printed are the figures that a command printed as Go benchmarks.
type Printed struct {
	// Figures are by benchmark and unit, "Pop/batch=1 ns/op"; of several lines
	// of the same benchmark, the median.
	Figures map[string]float64
	// Lost is the sum of what has the unit "lost".
	Lost int64
	// higher are the units that a line "Unit … better=" says more is better of,
	// or less.
	higher map[string]bool
}

// Higher reports whether more is better of a figure: by what the command said,
// else of everything that is counted per second.
func (p Printed) Higher(name string) bool {
	_, unit, _ := strings.Cut(name, " ")
	if h, said := p.higher[unit]; said {
		return h
	}
	return strings.HasSuffix(unit, "/s")
}

// ReadBenchmarks reads the output of Go benchmarks and passes over all else. The
// number of processors is taken off the benchmarks' names.
func ReadBenchmarks(from io.Reader) (Printed, error) {
	p := Printed{Figures: map[string]float64{}, higher: map[string]bool{}}
	samples := map[string][]float64{}
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 1<<16), 1<<20)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) >= 3 && f[0] == "Unit" {
			for _, word := range f[2:] {
				if better, ok := strings.CutPrefix(word, "better="); ok {
					p.higher[f[1]] = better == "higher"
				}
			}
			continue
		}
		// Name, iterations, and then a value and a unit again and again.
		if len(f) < 4 || len(f)%2 != 0 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		if _, err := strconv.ParseUint(f[1], 10, 64); err != nil {
			continue
		}
		name := strings.TrimPrefix(f[0], "Benchmark")
		if i := strings.LastIndexByte(name, '-'); i > 0 && strings.Trim(name[i+1:], "0123456789") == "" {
			name = name[:i]
		}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				break
			}
			if f[i+1] == "lost" {
				p.Lost += int64(v)
				continue
			}
			key := name + " " + f[i+1]
			samples[key] = append(samples[key], v)
		}
	}
	if err := lines.Err(); err != nil {
		return p, fmt.Errorf("read benchmarks: %w", err)
	}
	for key, all := range samples {
		slices.Sort(all)
		n := len(all)
		if m := (all[(n-1)/2] + all[n/2]) / 2; m >= 0 {
			p.Figures[key] = m
		}
	}
	return p, nil
}
