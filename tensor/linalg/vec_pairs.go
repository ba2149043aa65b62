package linalg

// Pooling of windows of 2 x 2 that lie side by side in two rows. Rows of dst and dy have width elements, and those of x and dx
// begin stride elements apart.

var (
	vecMaxPairs     = variants[func(top, bottom, dst []float32)]{maxPairsGeneric}
	vecMaxPairsGrad = variants[func(dtop, dbottom, top, bottom, dy []float32)]{maxPairsGradGeneric}
	vecSumPairs     = variants[func(top, bottom, dst []float32, a float32)]{sumPairsGeneric}
	vecScaleTwice   = mapA{scaleTwiceGeneric}
)

// MaxPairs sets dst to the maxima of the windows of x. NaN counts as largest.
func MaxPairs(dst, x []float32, rows, width, stride int) {
	f := vecMaxPairs.now()
	for r := range rows {
		f(x[2*r*stride:][:2*width], x[(2*r+1)*stride:][:2*width], dst[r*width:][:width])
	}
}

// MaxPairsGrad sets dx to dy at the first maximum of each window, in the order of memory, and to 0 in the rest of it.
func MaxPairsGrad(dx, dy, x []float32, rows, width, stride int) {
	f := vecMaxPairsGrad.now()
	for r := range rows {
		top, bottom := 2*r*stride, (2*r+1)*stride
		f(dx[top:][:2*width], dx[bottom:][:2*width], x[top:][:2*width], x[bottom:][:2*width], dy[r*width:][:width])
	}
}

// SumPairs sets dst to a times the sums of the windows of x.
func SumPairs(dst []float32, a float32, x []float32, rows, width, stride int) {
	f := vecSumPairs.now()
	for r := range rows {
		f(x[2*r*stride:][:2*width], x[(2*r+1)*stride:][:2*width], dst[r*width:][:width], a)
	}
}

// SumPairsGrad sets each window of dx to a*dy.
func SumPairsGrad(dx []float32, a float32, dy []float32, rows, width, stride int) {
	f := vecScaleTwice.now()
	for r := range rows {
		f(dx[2*r*stride:][:2*width], dy[r*width:][:width], a)
		f(dx[(2*r+1)*stride:][:2*width], dy[r*width:][:width], a)
	}
}

func sumPairsGeneric(top, bottom, dst []float32, a float32) {
	for q := range dst {
		dst[q] = (((top[2*q] + top[2*q+1]) + bottom[2*q]) + bottom[2*q+1]) * a
	}
}

func scaleTwiceGeneric(dst, x []float32, a float32) {
	for q, v := range x {
		dst[2*q], dst[2*q+1] = v*a, v*a
	}
}

func maxPairsGeneric(top, bottom, dst []float32) {
	for q := range dst {
		dst[q] = max(max(top[2*q], top[2*q+1]), max(bottom[2*q], bottom[2*q+1]))
	}
}

func maxPairsGradGeneric(dtop, dbottom, top, bottom, dy []float32) {
	for q, g := range dy {
		w := [4]float32{top[2*q], top[2*q+1], bottom[2*q], bottom[2*q+1]}
		m := max(max(w[0], w[1]), max(w[2], w[3]))
		var d [4]float32
		for i, v := range w {
			if v == m || v != v {
				d[i] = g
				break
			}
		}
		dtop[2*q], dtop[2*q+1], dbottom[2*q], dbottom[2*q+1] = d[0], d[1], d[2], d[3]
	}
}
