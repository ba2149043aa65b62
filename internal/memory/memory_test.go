package memory

import (
	"math"
	"runtime"
	"testing"
	"testing/fstest"
)

func TestLimit(t *testing.T) {
	n := Limit()
	if n < 1<<20 {
		t.Errorf("%d bytes", n)
	}
	if runtime.GOOS == "linux" && n > 1<<50 {
		t.Errorf("%d bytes are more than any machine has", n)
	}
}

func TestLimitOfGroups(t *testing.T) {
	const machine = "MemFree: 1 kB\nMemTotal:       1000 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing known": {nil, math.MaxInt64},
		"the machine":   {map[string]string{"proc/meminfo": machine}, 1024000},
		"no limit":      {map[string]string{"proc/meminfo": machine, "sys/fs/cgroup/memory.max": "max\n"}, 1024000},
		"container":     {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/host/pod\n", "sys/fs/cgroup/memory.max": "5000\n"}, 5000},
		"own group": {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "7000\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 7000},
		"group above": {map[string]string{"proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "7000\n", "sys/fs/cgroup/a/memory.max": "6000\n"}, 6000},
		"another group": {map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/b/memory.max": "6000\n"}, math.MaxInt64},
		"version 1": {map[string]string{"proc/self/cgroup": "5:cpu:/x\n4:memory:/job\n",
			"sys/fs/cgroup/memory/job/memory.limit_in_bytes": "8000\n"}, 8000},
		"odd names": {map[string]string{"proc/self/cgroup": "0::/../../etc\nrubbish\n", "etc/memory.max": "1\n"}, math.MaxInt64},
	} {
		root := fstest.MapFS{}
		for file, content := range c.files {
			root[file] = &fstest.MapFile{Data: []byte(content)}
		}
		if got := limit(root); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// TestControlGroups reads limits as systems present them: by the process's own group and those around it.
func TestControlGroups(t *testing.T) {
	const (
		v2 = "30 24 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
		v1 = "35 32 0:31 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n" +
			"36 32 0:32 / /sys/fs/cgroup/cpu rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n"
		none = math.MaxInt64
	)
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing", nil, none},
		{"no limit", map[string]string{"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2, "sys/fs/cgroup/a/memory.max": "max\n"}, none},
		{"own group", map[string]string{"proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/a/b/memory.max": "1000\n", "sys/fs/cgroup/a/memory.max": "2000\n"}, 1000},
		{"group around it", map[string]string{"proc/self/cgroup": "0::/a/b/c\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/a/b/c/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "2000\n"}, 2000},
		{"other groups do not count", map[string]string{"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/b/memory.max": "10\n", "sys/fs/cgroup/a/c/memory.max": "10\n", "sys/fs/cgroup/a/memory.max": "3000"}, 3000},
		{"namespace of its own", map[string]string{"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2, "sys/fs/cgroup/memory.max": "4000\n"}, 4000},
		{"version 1", map[string]string{"proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/a/b\n0::/\n", "proc/self/mountinfo": v1,
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "5000\n",
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "1\n"}, 5000},
		{"container without a namespace", map[string]string{"proc/self/cgroup": "4:memory:/docker/abc/inner\n",
			"proc/self/mountinfo":                              "35 32 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			"sys/fs/cgroup/memory/inner/memory.limit_in_bytes": "6000\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "7000\n"}, 6000},
		{"group outside of the mount", map[string]string{"proc/self/cgroup": "4:memory:/docker/abcd\n",
			"proc/self/mountinfo":                        "35 32 0:31 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "7000\n", "sys/fs/cgroup/memory/d/memory.limit_in_bytes": "1\n"}, 7000},
		{"both versions", map[string]string{"proc/self/cgroup": "4:memory:/a\n0::/u\n", "proc/self/mountinfo": v1 +
			"40 32 0:40 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "8000\n"}, 8000},
		{"mount point with a space", map[string]string{"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": `30 24 0:27 / /my\040groups rw - cgroup2 none rw` + "\n",
			"my groups/a/memory.max": "9000\n"}, 9000},
		{"odd contents", map[string]string{"proc/self/cgroup": "0:\nx\n0::/a\n", "proc/self/mountinfo": "junk\n - \n" + v2, "sys/fs/cgroup/a/memory.max": "-1\n"}, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range c.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if n := controlGroup(root); n != c.want {
				t.Errorf("%d, want %d", n, c.want)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	u := parseStatus("Name:\tx\nVmPeak:\t  900 kB\nVmHWM:\t     30 kB\nVmRSS:\t     20 kB\nRssAnon:\t 13 kB\nRssFile:\t  5 kB\nRssShmem:\t  2 kB\nThreads:\t4\n")
	if (u != Usage{Resident: 20 << 10, Files: 7 << 10, Peak: 30 << 10}) {
		t.Errorf("%+v", u)
	}
	if u := Now(); runtime.GOOS == "linux" && (u.Resident < 1<<20 || u.Peak < u.Resident || u.Files > u.Resident) {
		t.Errorf("this process: %+v", u)
	}
	if u := Of("no process"); u != (Usage{}) {
		t.Errorf("%+v", u)
	}
}
