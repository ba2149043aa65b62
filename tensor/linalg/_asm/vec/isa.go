package main

import (
	"fmt"
	"math"
)

// isa is what differs between the instruction sets. Lanes are elements of 4 bytes.
type isa struct {
	name  string
	reg   string // register name prefix
	regs  int
	lanes int
}

func (s *isa) wide() bool { return s == avx512 }

var (
	avx2   = &isa{name: "AVX2", reg: "Y", regs: 16, lanes: 8}
	avx512 = &isa{name: "AVX512", reg: "Z", regs: 32, lanes: 16}
	sets   = []*isa{avx2, avx512}
)

// constants is the read-only memory of a file: each number eight times for AVX2, of which AVX-512 broadcasts the first.
type constants struct {
	offsets map[uint32]int
	bits    []uint32
	masks   bool
}

func newConstants() *constants { return &constants{offsets: make(map[uint32]int)} }

func (c *constants) at(bits uint32) string {
	off, ok := c.offsets[bits]
	if !ok {
		off = 32 * len(c.bits)
		c.offsets[bits] = off
		c.bits = append(c.bits, bits)
	}
	return fmt.Sprintf("numbers<>+%d(SB)", off)
}

func (c *constants) emit(t *text) {
	for i, b := range c.bits {
		if v := math.Float32frombits(b); v == v && (b == 0 || math.Abs(float64(v)) > 1e-30) {
			t.line("\n// %v", v)
		} else {
			t.line("")
		}
		for k := range 4 {
			t.line("DATA numbers<>+%d(SB)/8, $%#016x", 32*i+8*k, uint64(b)<<32|uint64(b))
		}
	}
	if len(c.bits) > 0 {
		t.line("GLOBL numbers<>(SB), RODATA|NOPTR, $%d", 32*len(c.bits))
	}
	if c.masks {
		t.line("")
		for k := range 8 {
			mask := ^uint64(0)
			if k >= 4 {
				mask = 0
			}
			t.line("DATA masks<>+%d(SB)/8, $%#x", 8*k, mask)
		}
		t.line("GLOBL masks<>(SB), RODATA|NOPTR, $64")
	}
}
