package linalg

import "math"

// lanes are the partial sums of the portable reductions.
type lanes [8]float32

func (s *lanes) total() float32 {
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

func sumGeneric(x []float32) float32 {
	var s lanes
	for ; len(x) >= len(s); x = x[len(s):] {
		for i := range s {
			s[i] += x[i]
		}
	}
	for i, v := range x {
		s[i] += v
	}
	return s.total()
}

func dotGeneric(x, y []float32) float32 {
	var s lanes
	for ; len(x) >= len(s) && len(y) >= len(s); x, y = x[len(s):], y[len(s):] {
		for i := range s {
			s[i] += float32(x[i] * y[i])
		}
	}
	for i, v := range x {
		s[i] += float32(v * y[i])
	}
	return s.total()
}

func dotDiffGeneric(x, y []float32, m float32) float32 {
	var s lanes
	for ; len(x) >= len(s) && len(y) >= len(s); x, y = x[len(s):], y[len(s):] {
		for i := range s {
			s[i] += float32(x[i] * (y[i] - m))
		}
	}
	for i, v := range x {
		s[i] += float32(v * (y[i] - m))
	}
	return s.total()
}

func sumSquaredDiffGeneric(x []float32, m float32) float32 {
	var s lanes
	for ; len(x) >= len(s); x = x[len(s):] {
		for i := range s {
			d := x[i] - m
			s[i] += float32(d * d)
		}
	}
	for i, v := range x {
		d := v - m
		s[i] += float32(d * d)
	}
	return s.total()
}

func sumSquaresGeneric(x []float32) float64 {
	var s [4]float64
	for ; len(x) >= len(s); x = x[len(s):] {
		for i := range s {
			s[i] += float64(x[i]) * float64(x[i]) // exact, so contraction changes nothing
		}
	}
	for i, v := range x {
		s[i] += float64(v) * float64(v)
	}
	return (s[0] + s[2]) + (s[1] + s[3])
}

func maxGeneric(x []float32) float32 {
	top := float32(math.Inf(-1))
	for _, v := range x {
		if v > top {
			top = v
		} else if v != v {
			return v
		}
	}
	return top
}
