//go:build !amd64 || noasm

package linalg

func (c isa64) multiply(t *tile64) { t.multiplyGeneric() }

func (c isa64) symmetric(a []float64, stride, n int, x, y []float64) {
	symmetricGeneric(a, stride, n, x, y)
}

func (c isa64) dots(a []float64, stride, rows int, x, out []float64) {
	dotsGeneric(a, stride, rows, x, out)
}

func (c isa64) combine(a []float64, stride, rows int, coef, y []float64) {
	combineGeneric(a, stride, rows, coef, y)
}

func (c isa64) poles(d, z []float64, origin, tau float64) (sum, slope, curve float64) {
	return polesGeneric(d, z, origin, tau)
}

func (c isa64) loewner(w, delta, d []float64, pole float64) { loewnerGeneric(w, delta, d, pole) }

func (c isa64) quotients(t, z []float64) float64 { return quotientsGeneric(t, z) }

func (c isa64) rotate(q []float64, at, stride, cols int, cs []float64) {
	rotateGeneric(q, at, stride, cols, cs)
}
