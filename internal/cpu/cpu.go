// Package cpu says which instruction set the kernels may use, and lets a user or a test lower it.
package cpu

import (
	"fmt"
	"sync/atomic"

	xcpu "golang.org/x/sys/cpu"
)

// Level is an instruction set that kernels are written for; a higher level includes the lower ones.
type Level int32

const (
	Generic    Level = iota // portable Go
	AVX2                    // AVX2 and FMA3
	AVX512                  // AVX-512 F, BW, DQ, VL
	AVX512BF16              // and VDPBF16PS
	AMX                     // and the tiles of AMX with TDPBF16PS, which the system has to permit
)

var levelNames = [...]string{"generic", "avx2", "avx512", "avx512bf16", "amx"}

func (l Level) String() string { return levelNames[l] }

// ParseLevel reads a level's name as given to --isa.
func ParseLevel(s string) (Level, error) {
	for i, name := range levelNames {
		if s == name {
			return Level(i), nil
		}
	}
	return 0, fmt.Errorf("unknown instruction set %q (there are: generic avx2 avx512 avx512bf16 amx)", s)
}

// Detected is the highest level of this machine, as compiled: a noasm build has Generic only.
func Detected() Level { return detected }

// detected is asked for by every small loop, so it is found once.
var detected = detect()

func detect() Level {
	switch x := &xcpu.X86; {
	case !haveAssembly || !x.HasAVX2 || !x.HasFMA:
		return Generic
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL:
		return AVX2
	case !x.HasAVX512BF16:
		return AVX512
	case !x.HasAMXTile || !x.HasAMXBF16:
		return AVX512BF16
	case !permitTiles():
		return AVX512 // processors with AMX multiply bf16 by VDPBF16PS at half the rate of float32
	default:
		return AMX
	}
}

// limit is one above the level that Limit allows; 0 means no limit.
var limit atomic.Int32

// Current is the level in use: what the machine has, bounded by Limit.
func Current() Level {
	l := detected
	if m := limit.Load(); m != 0 {
		l = min(l, Level(m-1))
	}
	return l
}

// Limit bounds the level in use and returns a function that restores the previous bound. Programs compiled
// before the call keep their kernels.
func Limit(l Level) (restore func()) {
	old := limit.Swap(int32(l) + 1)
	return func() { limit.Store(old) }
}
