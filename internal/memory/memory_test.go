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
