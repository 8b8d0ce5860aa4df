package hoststat

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettingsAreReadWhereTheKernelHasThem(t *testing.T) {
	t.Parallel()
	fsys := files(
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n",
		"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n",
		"sys/devices/system/cpu/cpu10/cpufreq/scaling_governor", "powersave\n",
		"sys/devices/system/cpu/cpuidle/current_driver", "none\n",
		"sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n",
		"proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n",
		"proc/meminfo", "MemTotal:        8000000 kB\nMemAvailable:    4000000 kB\n",
		"proc/self/cgroup", "0::/a/b\n", "proc/self/mountinfo", v2Mount,
		"sys/fs/cgroup/a/memory.max", "2000000\n", "sys/fs/cgroup/a/memory.current", "500000\n",
		"sys/fs/cgroup/a/b/memory.max", "max\n", "sys/fs/cgroup/a/b/memory.current", "400000\n",
	)
	want := Settings{
		Governors: []string{"performance", "powersave"}, ClockSource: "tsc", FirstPort: 32768, LastPort: 60999,
		MemoryAvailable: 1500000, MemorySource: "/sys/fs/cgroup/a/memory.max",
	}
	got := ReadSettings(fsys)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if n := got.Ports(); n != 28232 {
		t.Errorf("Ports() = %d, want 28232", n)
	}
}

func TestSettingsThatCannotBeReadAreZero(t *testing.T) {
	t.Parallel()
	got := ReadSettings(files("proc/sys/net/ipv4/ip_local_port_range", "many\n", "proc/meminfo", "MemAvailable: much\n"))
	if diff := cmp.Diff(Settings{}, got); diff != "" || got.Ports() != 0 {
		t.Errorf("settings (-want +got), %d ports:\n%s", got.Ports(), diff)
	}
}
