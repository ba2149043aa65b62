package cpu

import "math"

// pairs says that windows are 2 x 2, side by side, and all inside: the usual pooling.
func (p *pool2d) pairs() bool {
	return p.kh == 2 && p.kw == 2 && p.sh == 2 && p.sw == 2 && p.dh == 1 && p.dw == 1 && p.ph == 0 && p.pw == 0 &&
		2*p.oh <= p.ih && 2*p.ow <= p.iw
}

// pairRows are the two rows of x under row r of the output.
func (p *pool2d) pairRows(x []float32, r int) (top, bottom []float32) {
	return x[2*r*p.iw:][:2*p.ow], x[(2*r+1)*p.iw:][:2*p.ow]
}

func (p *pool2d) maxPairs(y, x []float32) {
	for r := range p.oh {
		top, bottom := p.pairRows(x, r)
		for q := range y[r*p.ow:][:p.ow] {
			y[r*p.ow+q] = max(max(top[2*q], top[2*q+1]), max(bottom[2*q], bottom[2*q+1]))
		}
	}
}

// maxGradPairs chooses with masks: which of four numbers is the largest is nothing that a processor could predict.
func (p *pool2d) maxGradPairs(dx, dy, x []float32) {
	if p.ih != 2*p.oh || p.iw != 2*p.ow {
		clear(dx)
	}
	for r := range p.oh {
		top, bottom := p.pairRows(x, r)
		dtop, dbottom := p.pairRows(dx, r)
		for q, g := range dy[r*p.ow:][:p.ow] {
			a, b, c, d := top[2*q], top[2*q+1], bottom[2*q], bottom[2*q+1]
			m := max(max(a, b), max(c, d))
			first, second, third, last := equal(a, m), equal(b, m), equal(c, m), ^uint32(0)
			if m != m {
				first, second, third = equal(a, a)^last, equal(b, b)^last, equal(c, c)^last
			}
			bits := math.Float32bits(g)
			dtop[2*q] = math.Float32frombits(bits & first)
			dtop[2*q+1] = math.Float32frombits(bits & second &^ first)
			dbottom[2*q] = math.Float32frombits(bits & third &^ (first | second))
			dbottom[2*q+1] = math.Float32frombits(bits &^ (first | second | third))
		}
	}
}

// equal is a mask of ones where a and b are equal.
func equal(a, b float32) uint32 {
	var one uint32
	if a == b {
		one = 1
	}
	return -one
}
