package memory

import (
	"os"
	"strconv"
	"strings"
)

// Usage is what of a process is in memory, in bytes.
type Usage struct {
	Resident int64
	Files    int64 // part of Resident: pages of files, such as the program's code
	Peak     int64 // the most that Resident has been
}

// Now is the usage of this process, zero where the system does not say.
func Now() Usage { return Of("self") }

// Of is the usage of a process by its number.
func Of(process string) Usage {
	b, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return Usage{}
	}
	return parseStatus(string(b))
}

func parseStatus(text string) Usage {
	var u Usage
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 3 || f[2] != "kB" {
			continue
		}
		kib, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			continue
		}
		switch f[0] {
		case "VmRSS:":
			u.Resident = kib << 10
		case "VmHWM:":
			u.Peak = kib << 10
		case "RssFile:", "RssShmem:":
			u.Files += kib << 10
		}
	}
	return u
}
