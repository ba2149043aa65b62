package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// pairs says that windows are 2 x 2, side by side, and all inside: the usual pooling.
func (p *pool2d) pairs() bool {
	return p.kh == 2 && p.kw == 2 && p.sh == 2 && p.sw == 2 && p.dh == 1 && p.dw == 1 && p.ph == 0 && p.pw == 0 &&
		2*p.oh <= p.ih && 2*p.ow <= p.iw
}

func (p *pool2d) maxPairs(y, x []float32) { linalg.MaxPairs(y, x, p.oh, p.ow, p.iw) }

func (p *pool2d) maxGradPairs(dx, dy, x []float32) {
	if p.ih != 2*p.oh || p.iw != 2*p.ow {
		clear(dx)
	}
	linalg.MaxPairsGrad(dx, dy, x, p.oh, p.ow, p.iw)
}

// Averages of windows of four do not depend on how padding counts.

func (p *pool2d) averagePairs(y, x []float32) { linalg.SumPairs(y, 0.25, x, p.oh, p.ow, p.iw) }

func (p *pool2d) averageGradPairs(dx, dy []float32) {
	if p.ih != 2*p.oh || p.iw != 2*p.ow {
		clear(dx)
	}
	linalg.SumPairsGrad(dx, 0.25, dy, p.oh, p.ow, p.iw)
}
