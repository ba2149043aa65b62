// Package memory tells how much memory a process can have.
package memory

import (
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// Limit is the most that this process can have: the machine's memory or what its control group or one above that allows,
// whichever is least. It is math.MaxInt64 where none can be told.
func Limit() int64 { return limit(os.DirFS("/")) }

func limit(root fs.FS) int64 {
	least := total(root)
	for _, file := range groupFiles(root) {
		if b, err := fs.ReadFile(root, file); err == nil {
			if n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil { // or "max"
				least = min(least, n)
			}
		}
	}
	return least
}

// total is the machine's memory (proc_meminfo(5)).
func total(root fs.FS) int64 {
	b, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return math.MaxInt64
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemTotal:" {
			if kib, err := strconv.ParseInt(f[1], 10, 64); err == nil && kib < math.MaxInt64/1024 {
				return 1024 * kib
			}
		}
	}
	return math.MaxInt64
}

// groupFiles are the files that may hold a limit: those of the process's control group and of all above it, of both
// versions (cgroups(7)). In a container the path in /proc/self/cgroup may be the host's, and only the topmost folder exists.
func groupFiles(root fs.FS) []string {
	const v1, v2 = "sys/fs/cgroup/memory", "sys/fs/cgroup"
	own := map[string]string{v1: "/", v2: "/"}
	b, _ := fs.ReadFile(root, "proc/self/cgroup") // absent: no groups
	for line := range strings.Lines(string(b)) {
		switch f := strings.SplitN(strings.TrimSpace(line), ":", 3); {
		case len(f) != 3:
		case f[0] == "0" && f[1] == "":
			own[v2] = path.Clean("/" + f[2])
		case f[1] == "memory":
			own[v1] = path.Clean("/" + f[2])
		}
	}
	var files []string
	for mount, name := range map[string]string{v1: "memory.limit_in_bytes", v2: "memory.max"} {
		for group := own[mount]; ; group = path.Dir(group) {
			files = append(files, path.Join(mount, group, name))
			if group == "/" {
				break
			}
		}
	}
	return files
}
