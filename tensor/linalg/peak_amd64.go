//go:build amd64 && !noasm

package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

//go:noescape
func peakAVX2(turns int)

//go:noescape
func peakAVX512(turns int)

//go:noescape
func peakAVX512BF16(turns int)

//go:noescape
func peakAMX(config *tileConfig, block *[512]uint16, turns int)

// peakLoop takes some ten microseconds. Instruction sets without bf16 multiply it as float32.
func peakLoop(level cpu.Level, half bool) (loop func(), operations float64) {
	const turns, instructions, tiles = 500, 96, 32
	switch {
	case level == cpu.Generic:
		return peakGeneric()
	case level == cpu.AVX2:
		return func() { peakAVX2(turns) }, turns * instructions * 8 * 2
	case half && level == cpu.AVX512BF16:
		return func() { peakAVX512BF16(turns) }, turns * instructions * 16 * 4
	case half && level == cpu.AMX:
		config, block := new(tileConfig), new([512]uint16)
		config.shape(HalfRows, HalfCols, HalfSteps)
		for i := range block {
			block[i] = 0x3f00 // 0.5
		}
		return func() { peakAMX(config, block, turns) }, turns * tiles * 16 * 16 * 32 * 2
	}
	return func() { peakAVX512(turns) }, turns * instructions * 16 * 2
}
