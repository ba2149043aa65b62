package linalg

import "math"

func descentGeneric[T Float](w, g []T, p Momentum[T]) {
	w = w[:len(g)]
	for i, g := range g {
		w[i] -= p.LR * (g + p.Decay*w[i])
	}
}

func momentumGeneric[T Float](w, g, buf []T, p Momentum[T]) {
	w, buf = w[:len(g)], buf[:len(g)]
	for i, g := range g {
		g += p.Decay * w[i]
		b := p.Momentum*buf[i] + p.Keep*g
		buf[i] = b
		w[i] -= p.LR * (p.Ahead*g + p.Back*b)
	}
}

// adamGeneric lets the latest square stand for the largest.
func adamGeneric[T Float](w, g, mean, square []T, p Adam[T]) {
	amsgradGeneric(w, g, mean, square, square, p)
}

func amsgradGeneric[T Float](w, g, mean, square, largest []T, p Adam[T]) {
	w, mean, square, largest = w[:len(g)], mean[:len(g)], square[:len(g)], largest[:len(g)]
	for i, g := range g {
		g += p.Penalty * w[i]
		m := p.Beta1*mean[i] + p.Rate1*g
		v := p.Beta2*square[i] + p.Rate2*(g*g)
		mean[i], square[i] = m, v
		v = max(v, largest[i])
		largest[i] = v
		x := p.Shrink * w[i]
		if m != 0 { // without Eps the square may be 0 too
			x -= p.LR * (m / (T(math.Sqrt(float64(v)))*p.Unroot + p.Eps))
		}
		w[i] = x
	}
}

func rmspropGeneric[T Float](w, g, square, mean, buf []T, p RMSProp[T]) {
	w, square = w[:len(g)], square[:len(g)]
	for i, g := range g {
		g += p.Decay * w[i]
		v := p.Beta2*square[i] + p.Rate*(g*g)
		square[i] = v
		if mean != nil {
			m := p.Beta2*mean[i] + p.Rate*g
			mean[i] = m
			v = max(v-m*m, 0) // rounding can bring the variance below zero
		}
		u := T(0)
		if g != 0 { // without Eps the square may be 0 too
			u = g / (T(math.Sqrt(float64(v))) + p.Eps)
		}
		if buf != nil {
			u += p.Momentum * buf[i]
			buf[i] = u
		}
		w[i] -= p.LR * u
	}
}

func rmspropPlainGeneric(w, g, square []float32, p RMSProp[float32]) {
	rmspropGeneric(w, g, square, nil, nil, p)
}

func rmspropMomentumGeneric(w, g, square, buf []float32, p RMSProp[float32]) {
	rmspropGeneric(w, g, square, nil, buf, p)
}

func rmspropCenteredGeneric(w, g, square, mean []float32, p RMSProp[float32]) {
	rmspropGeneric(w, g, square, mean, nil, p)
}

func rootFreeGeneric[T Float](w, g, curvature, buf []T, p RootFree[T]) {
	w, curvature = w[:len(g)], curvature[:len(g)]
	for i, g := range g {
		k := p.Beta2*curvature[i] + p.Rate*(g*g)
		curvature[i] = k
		u := p.Decay * w[i]
		if g != 0 { // the curvature and Damping may both be 0
			u += g / (k + p.Damping)
		}
		if buf != nil {
			u += p.Momentum * buf[i]
			buf[i] = u
		}
		w[i] -= p.LR * u
	}
}

func rootFreePlainGeneric(w, g, curvature []float32, p RootFree[float32]) {
	rootFreeGeneric(w, g, curvature, nil, p)
}
