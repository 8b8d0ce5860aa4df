package hoststat

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CPULimit is how much CPU time the cgroups of this process let it use, together
// with everything else in them.
type CPULimit struct {
	// CPUs is the limit in CPUs: 0.2 is 20 ms of CPU time in 100 ms. 0 means that
	// there is no limit, or none below the CPUs that there are.
	CPUs float64
	// Source is the file that sets the limit, empty without one. Of nested cgroups
	// it is the tightest.
	Source string
	// Unknown says why the limit, or a part of it, could not be read. It is empty
	// when everything was.
	Unknown string
}

// group is a directory of the hierarchy that limits CPU time, from our own cgroup
// up to the root that we can see.
type group struct {
	dir    string // without the leading slash, as package fs wants it
	limit  float64
	source string
	v1     bool
}

// counters are what a cgroup counted (Documentation/admin-guide/cgroup-v2.rst;
// scheduler/sched-bwc.rst for version 1). Throttled time adds up over CPUs.
type counters struct {
	periods, throttled int64
	time               time.Duration
}

// ReadCPULimit reads the limit of the process whose /proc is in the file system,
// which is the root of one. A limit of at least cpus, the CPUs that the process
// may run on, counts as no limit.
func ReadCPULimit(fsys fs.FS, cpus int) CPULimit {
	groups, err := readGroups(fsys)
	return tightest(groups, err, cpus)
}

// ThisCPULimit is the limit of this process. Systems without cgroups have none.
func ThisCPULimit() CPULimit {
	if runtime.GOOS != "linux" {
		return CPULimit{}
	}
	return ReadCPULimit(os.DirFS("/"), runtime.NumCPU())
}

func tightest(groups []group, err error, cpus int) CPULimit {
	var l CPULimit
	if err != nil {
		l.Unknown = err.Error()
	}
	for _, g := range groups {
		if g.limit > 0 && g.limit < float64(cpus) && (l.CPUs == 0 || g.limit < l.CPUs) {
			l.CPUs, l.Source = g.limit, g.source
		}
	}
	return l
}

// mount is a mounted hierarchy: root is the cgroup that is seen at point.
type mount struct{ root, point string }

// readGroups finds the cgroups of this process that may limit its CPU time, and
// reads their limits. It returns what could be read also together with an error.
func readGroups(fsys fs.FS) ([]group, error) {
	own, err := fs.ReadFile(fsys, "proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("read /proc/self/cgroup: %w", cause(err))
	}
	where, v1, ok := ownCgroup(string(own))
	if !ok {
		return nil, errors.New("/proc/self/cgroup names no cgroup that could limit CPU time")
	}
	info, err := fs.ReadFile(fsys, "proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read /proc/self/mountinfo: %w", cause(err))
	}
	mounts := cgroupMounts(string(info), v1)
	if len(mounts) == 0 {
		return nil, errors.New("the cgroup file system is not mounted here")
	}
	for _, m := range mounts {
		rel, ok := below(m.root, where)
		if !ok {
			continue
		}
		top := strings.TrimPrefix(path.Clean(m.point), "/")
		dir := path.Join(top, rel)
		if _, err := fs.Stat(fsys, dir); err != nil {
			continue
		}
		return walk(fsys, dir, top, v1)
	}
	return nil, fmt.Errorf("the cgroup %q of this process is not visible where cgroups are mounted (%s)", where, mounts[0].point)
}

// walk reads the limits from dir up to top.
func walk(fsys fs.FS, dir, top string, v1 bool) (groups []group, err error) {
	var faults []error
	for {
		limit, source, err := readLimit(fsys, dir, v1)
		if err != nil {
			faults = append(faults, err)
		}
		groups = append(groups, group{dir: dir, limit: limit, source: source, v1: v1})
		if dir == top || dir == "." {
			return groups, errors.Join(faults...)
		}
		dir = path.Dir(dir)
	}
}

// ownCgroup finds the cgroup that limits this process's CPU time in
// /proc/self/cgroup: that of the version 1 controller "cpu" where there is one,
// since then version 2 has no such controller.
func ownCgroup(text string) (where string, v1, ok bool) {
	for line := range strings.Lines(text) {
		_, rest, cut := strings.Cut(strings.TrimRight(line, "\n"), ":")
		controllers, at, cut2 := strings.Cut(rest, ":")
		if !cut || !cut2 || !strings.HasPrefix(at, "/") {
			continue
		}
		at = strings.TrimSuffix(at, " (deleted)")
		switch {
		case slices.Contains(strings.Split(controllers, ","), "cpu"):
			return at, true, true
		case controllers == "" && strings.HasPrefix(line, "0:"):
			where, ok = at, true
		}
	}
	return where, false, ok
}

// cgroupMounts are the mounts of the hierarchy in /proc/self/mountinfo
// (proc_pid_mountinfo(5)); of those at one point only the last is seen.
func cgroupMounts(text string, v1 bool) (mounts []mount) {
	for line := range strings.Lines(text) {
		before, after, cut := strings.Cut(line, " - ")
		f, g := strings.Fields(before), strings.Fields(after)
		if !cut || len(f) < 5 || len(g) < 1 {
			continue
		}
		m := mount{unescape(f[3]), unescape(f[4])}
		if !strings.HasPrefix(m.point, "/") {
			continue
		}
		mounts = slices.DeleteFunc(mounts, func(o mount) bool { return o.point == m.point })
		switch {
		case v1 && g[0] == "cgroup" && len(g) >= 3 && slices.Contains(strings.Split(g[2], ","), "cpu"),
			!v1 && g[0] == "cgroup2":
			mounts = append(mounts, m)
		}
	}
	return mounts
}

// octal is how mountinfo escapes blanks and backslashes.
var octal = regexp.MustCompile(`\\[0-3][0-7]{2}`)

func unescape(s string) string {
	return octal.ReplaceAllStringFunc(s, func(escape string) string {
		v, _ := strconv.ParseUint(escape[1:], 8, 8)
		return string([]byte{byte(v)})
	})
}

// below is where a cgroup lies under the root of a mount. It is not known when
// either lies outside of our cgroup namespace ("/..").
func below(root, where string) (rel string, ok bool) {
	if outside(root) || outside(where) {
		return "", false
	}
	root, where = path.Clean(root), path.Clean(where)
	if root == "/" {
		return strings.TrimPrefix(where, "/"), true
	}
	rel, ok = strings.CutPrefix(where, root)
	if !ok || rel != "" && rel[0] != '/' {
		return "", false
	}
	return strings.TrimPrefix(rel, "/"), true
}

func outside(p string) bool { return slices.Contains(strings.Split(p, "/"), "..") }

// readLimit reads the limit of a cgroup: microseconds of CPU time in microseconds. Version
// 2 has both in one file, as in "20000 100000", and "max 100000" is no limit; version 1 has
// two files, and a quota of -1 is no limit. The root has no such file, nor has a cgroup in
// which the controller is not enabled.
func readLimit(fsys fs.FS, dir string, v1 bool) (limit float64, source string, err error) {
	file := path.Join(dir, "cpu.max")
	if v1 {
		file = path.Join(dir, "cpu.cfs_quota_us")
	}
	source = "/" + file
	text, err := fs.ReadFile(fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, "", nil
	}
	if err == nil && v1 {
		var period []byte
		period, err = fs.ReadFile(fsys, path.Join(dir, "cpu.cfs_period_us"))
		text = append(append(text, ' '), period...)
	}
	if err != nil {
		return 0, "", fmt.Errorf("read %s: %w", source, cause(err))
	}
	f := strings.Fields(string(text))
	switch {
	case len(f) != 2:
		return 0, "", fmt.Errorf("read %s: %.40q is not a quota and a period", source, text)
	case f[0] == "max", f[0] == "-1":
		return 0, source, nil
	}
	quota, err1 := strconv.ParseInt(f[0], 10, 64)
	period, err2 := strconv.ParseInt(f[1], 10, 64)
	if err1 != nil || err2 != nil || quota <= 0 || period <= 0 {
		return 0, "", fmt.Errorf("read %s: quota %.40q and period %.40q are not both a number of microseconds", source, f[0], f[1])
	}
	return float64(quota) / float64(period), source, nil
}

// readCounters reads how often a cgroup was throttled.
func (g group) readCounters(fsys fs.FS) (c counters, ok bool) {
	b, err := fs.ReadFile(fsys, path.Join(g.dir, "cpu.stat"))
	if err != nil {
		return c, false
	}
	return parseStat(string(b))
}

// parseStat reads cpu.stat of either version. ok is false when it does not count
// periods: then the cgroup cannot be throttled, or does not say so.
func parseStat(text string) (c counters, ok bool) {
	var periods, throttled bool
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 2 {
			continue
		}
		v, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil || v < 0 {
			continue
		}
		switch f[0] {
		case "nr_periods":
			c.periods, periods = v, true
		case "nr_throttled":
			c.throttled, throttled = v, true
		case "throttled_usec":
			c.time = time.Duration(min(v, math.MaxInt64/1000)) * time.Microsecond
		case "throttled_time":
			c.time = time.Duration(v)
		}
	}
	return c, periods && throttled
}

// cause is the error without the path that the caller names already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
