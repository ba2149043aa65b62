//go:build amd64 && !noasm

package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

// strip is one strip to pack: steps of width lanes each, of which the first few exist and the others become 0.
// Assembly reads it as it does micro. No function takes 0 steps or lanes.
type strip struct {
	dst, src     []float32
	width        int // of a step
	room         int // lanes that transposeAVX512 writes
	lane, step   int
	steps, lanes int
}

// transposeAVX512 packs at most 16 lanes, each of which is contiguous in k, into dst at a stride of width.
//
//go:noescape
func transposeAVX512(t *strip)

// copyAVX512 packs up to 32 lanes that touch.
//
//go:noescape
func copyAVX512(t *strip)

// transposeAVX2 packs at most 8 lanes, each contiguous in k, for a multiple of 8 steps of 6 or a multiple of 8 lanes.
//
//go:noescape
func transposeAVX2(t *strip)

func packStrip(kern *kernel, dst []float32, width int, src []float32, lane, step, steps, lanes int) {
	s := strip{dst: dst, src: src, width: width, lane: lane, step: step, steps: steps, lanes: lanes}
	switch {
	case kern.level >= cpu.AVX512 && lane == 1:
		copyAVX512(&s)
	case kern.level >= cpu.AVX512 && step == 1:
		for l := 0; l < width; l += 16 {
			if p, ok := s.part(l, 16); ok {
				transposeAVX512(&p)
			}
		}
	case kern.level == cpu.AVX2 && step == 1 && steps >= 8 && (width == 6 || width%8 == 0):
		s.steps = steps &^ 7
		for l := 0; l < width; l += 8 {
			if p, ok := s.part(l, 8); ok {
				transposeAVX2(&p)
			}
		}
		if tail := steps & 7; tail > 0 {
			packStripGeneric(dst[s.steps*width:], width, src[s.steps:], lane, step, tail, lanes)
		}
	default:
		packStripGeneric(dst, width, src, lane, step, steps, lanes)
	}
}

// part is the strip's lanes from first on, at most count of them; if none of those exist, it clears them.
func (s strip) part(first, count int) (strip, bool) {
	s.dst = s.dst[first:]
	s.room = min(s.width-first, count)
	if first >= s.lanes {
		for k := range s.steps {
			clear(s.dst[k*s.width:][:s.room])
		}
		return s, false
	}
	s.src = s.src[first*s.lane:]
	s.lanes = min(s.lanes-first, count)
	return s, true
}

func transpose(kern *kernel, dst []float32, dstStep int, src []float32, lane, steps, lanes int) {
	if kern.level < cpu.AVX512 {
		transposeGeneric(dst, dstStep, src, lane, steps, lanes)
		return
	}
	s := strip{dst: dst, src: src, width: dstStep, lane: lane, step: 1, steps: steps}
	for l := 0; l < lanes; l += 16 {
		p := s
		p.dst, p.src = dst[l:], src[l*lane:]
		p.lanes = min(lanes-l, 16)
		p.room = p.lanes
		transposeAVX512(&p)
	}
}
