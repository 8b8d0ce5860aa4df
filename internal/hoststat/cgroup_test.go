package hoststat

import (
	"io/fs"
	"math"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// The mounts of usual systems, as /proc/self/mountinfo shows them.
const (
	v2Mount = "24 1 8:1 / / rw - ext4 /dev/sda rw\n31 24 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
	v1Mount = "30 24 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n33 30 0:30 / /sys/fs/cgroup/cpu,cpuacct rw shared:15 - cgroup cgroup rw,cpu,cpuacct\n34 30 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)

// files makes a file system of paths and contents.
func files(pairs ...string) fstest.MapFS {
	f := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		f[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return f
}

// denied is a file system in which one file may not be read.
type denied struct {
	fstest.MapFS
	name string
}

func (d denied) Open(name string) (fs.File, error) {
	if name == d.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.MapFS.Open(name)
}

func (d denied) ReadFile(name string) ([]byte, error) {
	if name == d.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.MapFS.ReadFile(name)
}

func TestTheTightestLimitOnTheWayToTheRootCounts(t *testing.T) {
	t.Parallel()
	docker := "40 24 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
	for _, c := range []struct {
		name    string
		fsys    fs.FS
		cpus    float64
		source  string
		unknown string
	}{
		{
			name: "version 2 in a cgroup namespace: the container's own root has the limit",
			fsys: files("proc/self/cgroup", "0::/\n", "proc/self/mountinfo", v2Mount, "sys/fs/cgroup/cpu.max", "20000 100000\n"),
			cpus: 0.2, source: "/sys/fs/cgroup/cpu.max",
		},
		{
			name: "version 2 without a namespace, the slice tighter than the service",
			fsys: files("proc/self/cgroup", "0::/a.slice/b.service\n", "proc/self/mountinfo", v2Mount,
				"sys/fs/cgroup/a.slice/cpu.max", "50000 100000\n", "sys/fs/cgroup/a.slice/b.service/cpu.max", "150000 100000\n"),
			cpus: 0.5, source: "/sys/fs/cgroup/a.slice/cpu.max",
		},
		{
			name: "version 2, and only the mount of the container's own cgroup",
			fsys: files("proc/self/cgroup", "0::/system.slice/docker-abc.scope/inner\n",
				"proc/self/mountinfo", "31 24 0:27 /system.slice/docker-abc.scope /sys/fs/cgroup ro - cgroup2 cgroup ro\n",
				"sys/fs/cgroup/cpu.max", "100000 100000\n", "sys/fs/cgroup/inner/cpu.max", "max 100000\n"),
			cpus: 1, source: "/sys/fs/cgroup/cpu.max",
		},
		{
			name: "version 2 without a limit",
			fsys: files("proc/self/cgroup", "0::/user.slice\n", "proc/self/mountinfo", v2Mount, "sys/fs/cgroup/user.slice/cpu.max", "max 100000\n"),
		},
		{
			name: "version 2, where the controller is not enabled",
			fsys: files("proc/self/cgroup", "0::/user.slice\n", "proc/self/mountinfo", v2Mount, "sys/fs/cgroup/user.slice/cgroup.procs", ""),
		},
		{
			name: "a limit of as many CPUs as the host has does not count",
			fsys: files("proc/self/cgroup", "0::/\n", "proc/self/mountinfo", v2Mount, "sys/fs/cgroup/cpu.max", "800000 100000\n"),
		},
		{
			name: "version 1",
			fsys: files("proc/self/cgroup", "5:memory:/m\n4:cpu,cpuacct:/a/b\n1:name=systemd:/x\n", "proc/self/mountinfo", v1Mount,
				"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n", "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n",
				"sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "25000\n", "sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "50000\n"),
			cpus: 0.5, source: "/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us",
		},
		{
			name: "version 1 in a container that sees the host's paths",
			fsys: files("proc/self/cgroup", "4:cpuacct,cpu:/docker/abc\n", "proc/self/mountinfo", docker,
				"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000\n", "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
			cpus: 1.5, source: "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us",
		},
		{
			name: "both versions: the controller is of version 1",
			fsys: files("proc/self/cgroup", "4:cpu,cpuacct:/a\n0::/a\n", "proc/self/mountinfo", v1Mount+"35 30 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
				"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "10000\n", "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n",
				"sys/fs/cgroup/unified/a/cgroup.procs", ""),
			cpus: 0.1, source: "/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us",
		},
		{
			name: "both versions, and the controller is of version 2",
			fsys: files("proc/self/cgroup", "3:cpuset:/\n1:name=systemd:/a\n0::/a\n", "proc/self/mountinfo", "35 30 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
				"sys/fs/cgroup/unified/a/cpu.max", "30000 100000\n"),
			cpus: 0.3, source: "/sys/fs/cgroup/unified/a/cpu.max",
		},
		{
			name: "a mount point with a blank in it, under one that a later mount hides",
			fsys: files("proc/self/cgroup", "0::/\n",
				"proc/self/mountinfo", "31 24 0:27 / /my\\040cgroups rw - cgroup2 cgroup2 rw\n31 24 0:27 / /hidden rw - cgroup2 cgroup2 rw\n32 24 0:28 / /hidden rw - tmpfs tmpfs rw\n",
				"my cgroups/cpu.max", "70000 100000\n"),
			cpus: 0.7, source: "/my cgroups/cpu.max",
		},
		{name: "no cgroups at all", fsys: files("proc/self/status", ""), unknown: "/proc/self/cgroup: file does not exist"},
		{name: "not mounted", fsys: files("proc/self/cgroup", "0::/\n", "proc/self/mountinfo", "24 1 8:1 / / rw - ext4 /dev/sda rw\n"), unknown: "not mounted"},
		{
			name: "a cgroup outside of our namespace",
			fsys: files("proc/self/cgroup", "0::/../other\n", "proc/self/mountinfo", v2Mount, "sys/fs/cgroup/cpu.max", "20000 100000\n"), unknown: "not visible",
		},
		{
			name: "a cgroup that is not below what is mounted",
			fsys: files("proc/self/cgroup", "4:cpu:/docker/abcd\n", "proc/self/mountinfo", docker, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "1000\n"), unknown: "not visible",
		},
		{
			name: "malformed, and a limit above it that is not",
			fsys: files("proc/self/cgroup", "0::/a\n", "proc/self/mountinfo", v2Mount, "sys/fs/cgroup/a/cpu.max", "lots\n", "sys/fs/cgroup/cpu.max", "100000 100000\n"),
			cpus: 1, source: "/sys/fs/cgroup/cpu.max", unknown: `/sys/fs/cgroup/a/cpu.max: "lots`,
		},
		{
			name: "a period of nothing",
			fsys: files("proc/self/cgroup", "0::/a\n", "proc/self/mountinfo", v2Mount, "sys/fs/cgroup/a/cpu.max", "100 0\n"), unknown: "microseconds",
		},
		{
			name: "may not be read",
			fsys: denied{files("proc/self/cgroup", "0::/a\n", "proc/self/mountinfo", v2Mount, "sys/fs/cgroup/a/cpu.max", "100 100000\n"), "sys/fs/cgroup/a/cpu.max"}, unknown: "/sys/fs/cgroup/a/cpu.max: permission denied",
		},
		{
			name: "a version 1 quota without its period",
			fsys: files("proc/self/cgroup", "4:cpu,cpuacct:/\n", "proc/self/mountinfo", v1Mount, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "1000\n"), unknown: "file does not exist",
		},
	} {
		l := ReadCPULimit(c.fsys, 8)
		if math.Abs(l.CPUs-c.cpus) > 1e-9 || l.Source != c.source || (c.unknown == "") != (l.Unknown == "") || !strings.Contains(l.Unknown, c.unknown) {
			t.Errorf("%s: %+v; want %g from %q, unknown %q", c.name, l, c.cpus, c.source, c.unknown)
		}
	}
}

// measured is what a limit did between two states of the files.
func measured(before, after fs.FS) Throttling {
	return readLimits(before, 4).until(readLimits(after, 4))
}

func TestThrottlingIsWhatHappenedInBetween(t *testing.T) {
	t.Parallel()
	v2 := func(stat string) fs.FS {
		return files("proc/self/cgroup", "0::/a\n", "proc/self/mountinfo", v2Mount, "sys/fs/cgroup/a/cpu.max", "20000 100000\n", "sys/fs/cgroup/a/cpu.stat", stat)
	}
	got := measured(v2("usage_usec 1000000\nnr_periods 100\nnr_throttled 40\nthrottled_usec 5000000\nnr_bursts 0\n"),
		v2("usage_usec 2500000\nnr_periods 200\nnr_throttled 139\nthrottled_usec 14000000\nnr_bursts 0\n"))
	if got.Periods != 100 || got.Throttled != 99 || got.Time != 9*time.Second || got.Share == nil || *got.Share != 0.99 {
		t.Errorf("version 2: %+v", got)
	}
	v1 := func(stat string) fs.FS {
		return files("proc/self/cgroup", "4:cpu,cpuacct:/a\n", "proc/self/mountinfo", v1Mount,
			"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "20000\n", "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n",
			"sys/fs/cgroup/cpu,cpuacct/a/cpu.stat", stat)
	}
	got = measured(v1("nr_periods 0\nnr_throttled 0\nthrottled_time 0\n"), v1("nr_periods 121\nnr_throttled 121\nthrottled_time 2500000000\n"))
	if got.Periods != 121 || got.Throttled != 121 || got.Time != 2500*time.Millisecond || got.CPUs != 0.2 {
		t.Errorf("version 1: %+v", got)
	}
	got = measured(v2("nr_periods 5\nnr_throttled 5\nthrottled_usec 5\n"), v2("nr_periods 5\nnr_throttled 5\nthrottled_usec 5\n"))
	if got.Share == nil || *got.Share != 0 {
		t.Errorf("an idle cgroup: %+v, want a share of 0", got)
	}
	got = measured(v2("usage_usec 1\n"), v2("usage_usec 2\n"))
	if got.Share != nil || got.CPUs != 0.2 {
		t.Errorf("a kernel that counts no periods: %+v, want the limit and no share", got)
	}
}

func TestTheCgroupThatWasThrottledIsNamed(t *testing.T) {
	t.Parallel()
	at := func(outer, inner string) fs.FS {
		return files("proc/self/cgroup", "0::/pod/app\n", "proc/self/mountinfo", v2Mount,
			"sys/fs/cgroup/pod/cpu.max", "200000 100000\n", "sys/fs/cgroup/pod/cpu.stat", "nr_periods 100\nnr_throttled "+outer+"\nthrottled_usec 0\n",
			"sys/fs/cgroup/pod/app/cpu.max", "100000 100000\n", "sys/fs/cgroup/pod/app/cpu.stat", "nr_periods 100\nnr_throttled "+inner+"\nthrottled_usec 0\n")
	}
	if got := measured(at("0", "0"), at("80", "0")); got.Source != "/sys/fs/cgroup/pod/cpu.max" || got.Throttled != 80 {
		t.Errorf("a neighbour in the pod used it up: %+v", got)
	}
	if got := measured(at("0", "0"), at("2", "50")); got.Source != "/sys/fs/cgroup/pod/app/cpu.max" {
		t.Errorf("the app used its own up: %+v", got)
	}
	if got := measured(at("7", "7"), at("7", "7")); got.Source != "/sys/fs/cgroup/pod/app/cpu.max" || *got.Share != 0 {
		t.Errorf("none was throttled: %+v, want the tightest", got)
	}
}

func TestTheHostIsTheCPUsThatThisProcessMayRunOn(t *testing.T) {
	t.Parallel()
	const stat = "cpu  300 0 0 900 0 0 0 0 0 0\ncpu0 100 0 0 0 0 0 0 0 0 0\ncpu1 100 0 0 300 0 0 0 0 0 0\ncpu2 50 0 0 300 0 0 0 0 0 0\ncpu10 50 0 0 300 0 0 0 0 0 0\nintr 1\n"
	for _, c := range []struct {
		status     string
		user, idle float64
	}{
		{"Cpus_allowed_list:\t0\n", 100, 0},
		{"Name:\tx\nCpus_allowed_list:\t0-1,10\n", 250, 600},
		{"Cpus_allowed_list:\t0-255\n", 300, 900},
		{"Cpus_allowed_list:\t77\n", 300, 900}, // not listed: the whole host
		{"Cpus_allowed_list:\tx-\n", 300, 900},
		{"", 300, 900},
	} {
		got := readStat(files("proc/stat", stat, "proc/self/status", c.status))
		if len(got) != 8 || got[0] != c.user || got[3] != c.idle {
			t.Errorf("%q: %v, want user %g and idle %g", c.status, got, c.user, c.idle)
		}
	}
	if got := readStat(files("proc/stat", "cpu x\n")); got != nil {
		t.Errorf("malformed: %v", got)
	}
}

func TestThisCPULimitIsNotGuessed(t *testing.T) {
	t.Parallel()
	if l := ThisCPULimit(); l.CPUs < 0 || l.CPUs > 0 && l.Source == "" {
		t.Errorf("limit %+v", l)
	}
}

func FuzzCgroupFiles(f *testing.F) {
	f.Add("0::/a\n", v2Mount, "20000 100000\n", "nr_periods 1\nnr_throttled 1\n", "Cpus_allowed_list:\t0-3,7\n")
	f.Add("4:cpu,cpuacct:/a\n", v1Mount, "-1\n", "throttled_time 9223372036854775807\n", "")
	f.Add("0::/../..\n", "31 24 0:27 /.. /x\\04 rw - cgroup2 c rw\n", "max", "throttled_usec 9223372036854775807", "Cpus_allowed_list: 9-1")
	f.Fuzz(func(t *testing.T, cgroup, mountinfo, limit, stat, status string) {
		pairs := []string{"proc/self/cgroup", cgroup, "proc/self/mountinfo", mountinfo, "proc/stat", stat, "proc/self/status", status}
		for _, dir := range []string{"sys/fs/cgroup/", "sys/fs/cgroup/a/", "sys/fs/cgroup/cpu,cpuacct/a/"} {
			pairs = append(pairs, dir+"cpu.max", limit, dir+"cpu.cfs_quota_us", limit, dir+"cpu.cfs_period_us", "100000", dir+"cpu.stat", stat, dir+"cpuacct.usage", stat)
		}
		fsys := files(pairs...)
		l := ReadCPULimit(fsys, 8)
		if l.CPUs < 0 || l.CPUs >= 8 || math.IsNaN(l.CPUs) || (l.CPUs > 0) != (l.Source != "") {
			t.Errorf("limit %+v", l)
		}
		got := measured(fsys, fsys)
		if got.Periods != 0 || got.Throttled != 0 || got.Time != 0 || got.Share != nil && *got.Share != 0 {
			t.Errorf("nothing happened, and %+v", got)
		}
		readStat(fsys)
	})
}
