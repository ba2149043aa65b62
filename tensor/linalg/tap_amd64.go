//go:build amd64 && !noasm

package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

func init() {
	tapSums[cpu.AVX2], tapSums[cpu.AVX512] = tapSumsAVX2, tapSumsAVX512
	tapDots[cpu.AVX2], tapDots[cpu.AVX512] = tapDotsAVX2, tapDotsAVX512
}

//go:noescape
func tapSumsAVX2(dst *float32, n int, x, w *float32, offsets *int32, count int, bias float32)

//go:noescape
func tapSumsAVX512(dst *float32, n int, x, w *float32, offsets *int32, count int, bias float32)

//go:noescape
func tapDotsAVX2(sums, y *float32, n int, x *float32, offsets *int32, count int)

//go:noescape
func tapDotsAVX512(sums, y *float32, n int, x *float32, offsets *int32, count int)
