// Package memory tells how much memory a process can have and how much it has.
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

// Limit is the most that this process can have, in bytes: the machine's memory, or the least that its control group and
// those around it allow. It is math.MaxInt64 where none can be told.
func Limit() int64 { return limit(os.DirFS("/")) }

func limit(root fs.FS) int64 { return min(machine(root), controlGroup(root)) }

// machine is MemTotal.
func machine(root fs.FS) int64 {
	for line := range lines(root, "proc/meminfo") {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemTotal:" {
			if kib, err := strconv.ParseInt(f[1], 10, 64); err == nil && kib < math.MaxInt64/1024 {
				return 1024 * kib
			}
		}
	}
	return math.MaxInt64
}

// controlGroup is the least limit of the groups that the process is in: where the memory controller is mounted, from the
// process's own group up to the root of the mount. Both versions of the interface may be there; the controller is in one.
func controlGroup(root fs.FS) int64 {
	limit := int64(math.MaxInt64)
	own1, own2 := ownGroups(root)
	for _, m := range mounts(root) {
		own, file := own2, "memory.max"
		if m.kind == "cgroup" {
			own, file = own1, "memory.limit_in_bytes"
		}
		dir, ok := m.below(own)
		for ok {
			limit = min(limit, number(root, path.Join(m.at, dir, file)))
			if dir == "." || dir == "/" || dir == "" {
				break
			}
			dir = path.Dir(dir)
		}
	}
	return limit
}

// mounts are the mounted hierarchies, at the usual places where the system does not list them.
func mounts(root fs.FS) []mount {
	var list []mount
	for line := range lines(root, "proc/self/mountinfo") {
		if m, ok := parseMount(line); ok {
			list = append(list, m)
		}
	}
	if list == nil {
		list = []mount{{"cgroup", "/", "sys/fs/cgroup/memory"}, {"cgroup2", "/", "sys/fs/cgroup"}}
	}
	return list
}

// ownGroups are the process's groups in version 1, of the memory controller, and in version 2; "" for none.
func ownGroups(root fs.FS) (v1, v2 string) {
	for line := range lines(root, "proc/self/cgroup") {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		switch {
		case len(f) < 3:
		case f[0] == "0" && f[1] == "":
			v2 = f[2]
		case hasWord(f[1], "memory"):
			v1 = f[2]
		}
	}
	return v1, v2
}

// mount is a mounted hierarchy of groups that may have the memory controller.
type mount struct {
	kind string // cgroup or cgroup2
	root string // the group that is seen at the mount point
	at   string // without the leading slash
}

// parseMount reads a line of mountinfo (proc_pid_mountinfo(5)): root and mount point are fields 4 and 5, and the type and
// the options of the file system follow a lone dash.
func parseMount(line string) (mount, bool) {
	head, tail, found := strings.Cut(line, " - ")
	h, t := strings.Fields(head), strings.Fields(tail)
	if !found || len(h) < 5 || len(t) < 3 {
		return mount{}, false
	}
	m := mount{t[0], unescape(h[3]), strings.TrimPrefix(unescape(h[4]), "/")}
	return m, m.kind == "cgroup2" || m.kind == "cgroup" && hasWord(t[2], "memory")
}

// below is a group's path below the mount point. A group outside of what is mounted is taken for the root of the mount: its
// limits are all that can be seen.
func (m mount) below(group string) (string, bool) {
	if group == "" {
		return "", false
	}
	if m.root == "/" {
		return path.Clean("/" + group), true
	}
	rest, inside := strings.CutPrefix(group, m.root)
	if !inside || rest != "" && rest[0] != '/' {
		return "/", true
	}
	return path.Clean("/" + rest), true
}

// unescape undoes the octal escapes of spaces and the like.
func unescape(s string) string {
	for _, r := range [][2]string{{`\040`, " "}, {`\011`, "\t"}, {`\012`, "\n"}, {`\134`, `\`}} {
		s = strings.ReplaceAll(s, r[0], r[1])
	}
	return s
}

func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// number is a file's number, math.MaxInt64 for "max" and where there is no file.
func number(root fs.FS, file string) int64 {
	b, err := fs.ReadFile(root, file)
	if err != nil {
		return math.MaxInt64
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil || n < 0 {
		return math.MaxInt64
	}
	return n
}

func lines(root fs.FS, file string) func(func(string) bool) {
	b, _ := fs.ReadFile(root, file) // no such file, no lines
	return strings.Lines(string(b))
}
