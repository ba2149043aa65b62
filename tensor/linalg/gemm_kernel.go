package linalg

import "github.com/onnxtrain/onnxtrain/internal/cpu"

// kernel describes the micro-kernel of one instruction set: it computes mr x nr elements of C in registers over at
// most kc steps of k.
type kernel struct {
	level  cpu.Level
	mr, nr int

	// kc makes a strip of A and a strip of B fit the first two caches together.
	kc int

	// strided says that the kernel can read operands that are not packed.
	strided bool

	// columns is what the kernel reads of B and writes of C a multiple of.
	columns int
}

// kernels has an entry for each instruction set with a kernel of its own.
var kernels = [...]*kernel{
	cpu.Generic: {level: cpu.Generic, mr: genericMR, nr: genericNR, kc: 256, columns: genericNR},
	cpu.AMX:     nil,
}

// currentKernel is the best kernel that the instruction set in use allows.
func currentKernel() *kernel {
	level := cpu.Current()
	for kernels[level] == nil {
		level--
	}
	return kernels[level]
}

// inPlace says whether strips that are used a few times are better read where they lie than packed. The first uses cost no
// more than packing would; later ones pay when the elements do not stay in the first caches, as at strides of
// which a multiple is a page: all lines then compete for the same few places, worst (a third of the speed was measured)
// when the lanes of one step do. Where lanes touch and every few steps are on another page, only reading all lanes of a step
// together, as packing does, lets the processor fetch ahead.
func (k *kernel) inPlace(lane, step, uses int) bool {
	const alias, far, always, seldom = 512, 160, 16, 4
	switch {
	case !k.strided || lane >= alias && lane%alias == 0:
		return false
	case lane == 1 && step >= far:
		return uses <= 1
	case step >= alias && step%alias == 0:
		return uses <= seldom
	}
	return uses <= always
}

// micro is one call of a micro-kernel: rows x cols elements of C, at most mr x nr,
//
//	c = epilogue(alpha*sum(a*b) + beta*c)
//
// Assembly reads the fields through their offsets in go_asm.h and takes of a slice only its address.
type micro struct {
	a            []float32
	aLane, aStep int // distance of neighbours in m and in k
	b            []float32
	bStep        int // distance of neighbours in k; neighbours in n touch
	c            []float32
	cRow, cCol   int
	k            int
	rows, cols   int
	rowBias      []float32
	colBias      []float32
	alpha, beta  float32
	relu         bool
}

// store finishes a tile whose plain sums are in acc, nr to a row: the twin of the end of the assembly kernels, used
// where those cannot write C themselves.
func (t *micro) store(acc []float32, nr int) {
	for i := range t.rows {
		row := acc[i*nr:][:t.cols]
		for j, v := range row {
			at := i*t.cRow + j*t.cCol
			v = float32(t.alpha * v)
			if t.beta != 0 {
				v += float32(t.beta * t.c[at])
			}
			if t.rowBias != nil {
				v += t.rowBias[i]
			}
			if t.colBias != nil {
				v += t.colBias[j]
			}
			if t.relu && v < 0 {
				v = 0
			}
			t.c[at] = v
		}
	}
}
