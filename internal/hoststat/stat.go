package hoststat

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// readStat adds up the ticks of the CPUs that this process may run on, nil where
// they are not known. In a container that may use two CPUs of a large host, the
// line for all CPUs would show an idle host.
func readStat(fsys fs.FS) []float64 {
	b, err := fs.ReadFile(fsys, "proc/stat")
	if err != nil {
		return nil
	}
	return parseProcStat(string(b), allowedCPUs(field(fsys, "proc/self/status", "Cpus_allowed_list")))
}

// parseProcStat adds up the first eight counters of the CPUs in /proc/stat
// (proc_stat(5)): of those that are allowed, and of all where none of them has its
// own line.
func parseProcStat(text string, allowed func(cpu int) bool) []float64 {
	var whole, sum []float64
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 9 || !strings.HasPrefix(f[0], "cpu") {
			continue
		}
		row := make([]float64, 8)
		for i := range row {
			v, err := strconv.ParseUint(f[1+i], 10, 64)
			if err != nil {
				return nil
			}
			row[i] = float64(v)
		}
		if f[0] == "cpu" {
			whole = row
			continue
		}
		n, err := strconv.Atoi(f[0][len("cpu"):])
		if err != nil || allowed == nil || !allowed(n) {
			continue
		}
		if sum == nil {
			sum = make([]float64, len(row))
		}
		for i := range row {
			sum[i] += row[i]
		}
	}
	if sum != nil {
		return sum
	}
	return whole
}

// allowedCPUs reads which CPUs a process may run on, as in "0-3,8". It returns nil when
// that is not said.
func allowedCPUs(list string) func(cpu int) bool {
	var ranges [][2]int
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		a, err := strconv.Atoi(from)
		b := a
		if err == nil && isRange {
			b, err = strconv.Atoi(to)
		}
		if err != nil || a < 0 || b < a {
			return nil
		}
		ranges = append(ranges, [2]int{a, b})
	}
	return func(cpu int) bool {
		return slices.ContainsFunc(ranges, func(r [2]int) bool { return cpu >= r[0] && cpu <= r[1] })
	}
}
