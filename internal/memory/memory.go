// Package memory tells how much memory a process can have.
package memory

import (
	"bytes"
	"math"
	"os"
	"strconv"
	"strings"
)

// Limit is the most that this process can have: the machine's memory or what its control group allows, whichever is
// less. It is math.MaxInt64 where neither can be told.
func Limit() int64 {
	limit := int64(math.MaxInt64)
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if b, err := os.ReadFile(file); err == nil {
			if n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil { // or "max"
				limit = min(limit, n)
			}
		}
	}
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return limit
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemTotal:" {
			if kib, err := strconv.ParseInt(f[1], 10, 64); err == nil && kib < math.MaxInt64/1024 {
				limit = min(limit, 1024*kib)
			}
		}
	}
	return limit
}
