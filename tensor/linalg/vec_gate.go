package linalg

// Loops of a BatchNorm with a rectifier behind it, each of which gives the bits of the functions that it stands for.

var (
	vecGatedSums         = variants[func(dy, x []float32, a, b, m float32) (sum, product float32)]{gatedSumsGeneric}
	vecRectifiedSums     = variants[func(dst, dy, y, x []float32, m float32) (sum, product float32)]{rectifiedSumsGeneric}
	vecGatedAffine2      = variants[func(dst, dy, x []float32, a, b, c, d, e float32)]{gatedAffine2Generic}
	vecScaleShiftRelu    = variants[func(dst, x []float32, a, b float32)]{scaleShiftReluGeneric}
	vecScaleShiftAddRelu = variants[func(dst, x, y []float32, a, b float32)]{scaleShiftAddReluGeneric}
)

// ScaleShiftRelu sets dst = max(x*a + b, 0).
func ScaleShiftRelu(dst, x []float32, a, b float32) {
	f, x := vecScaleShiftRelu.now(), x[:len(dst)]
	for ; len(dst) > block; dst, x = dst[block:], x[block:] {
		f(dst[:block], x[:block], a, b)
	}
	f(dst, x, a, b)
}

// ScaleShiftAddRelu sets dst = max(x*a + b + y, 0).
func ScaleShiftAddRelu(dst, x []float32, a, b float32, y []float32) {
	f, x, y := vecScaleShiftAddRelu.now(), x[:len(dst)], y[:len(dst)]
	for ; len(dst) > block; dst, x, y = dst[block:], x[block:], y[block:] {
		f(dst[:block], x[:block], y[:block], a, b)
	}
	f(dst, x, y, a, b)
}

// GatedSums returns the sums of g and of g*(x - m), where g is dy where x*a + b > 0 and 0 elsewhere.
func GatedSums(dy, x []float32, a, b, m float32) (sum, product float32) {
	f, x := vecGatedSums.now(), x[:len(dy)]
	if len(dy) <= block {
		return f(dy, x, a, b, m)
	}
	return twoSums(len(dy), func(lo, hi int) (float32, float32) { return f(dy[lo:hi], x[lo:hi], a, b, m) })
}

// RectifiedSums sets dst = dy where y > 0 and 0 elsewhere, and returns the sums of dst and of dst*(x - m).
func RectifiedSums(dst, dy, y, x []float32, m float32) (sum, product float32) {
	f, dy, y, x := vecRectifiedSums.now(), dy[:len(dst)], y[:len(dst)], x[:len(dst)]
	if len(dst) <= block {
		return f(dst, dy, y, x, m)
	}
	return twoSums(len(dst), func(lo, hi int) (float32, float32) { return f(dst[lo:hi], dy[lo:hi], y[lo:hi], x[lo:hi], m) })
}

// GatedAffine2 sets dst = c*g + d*x + e, where g is dy where x*a + b > 0 and 0 elsewhere.
func GatedAffine2(dst, dy, x []float32, a, b, c, d, e float32) {
	f, dy, x := vecGatedAffine2.now(), dy[:len(dst)], x[:len(dst)]
	for ; len(dst) > block; dst, dy, x = dst[block:], dy[block:], x[block:] {
		f(dst[:block], dy[:block], x[:block], a, b, c, d, e)
	}
	f(dst, dy, x, a, b, c, d, e)
}

// twoSums is blocks for two sums.
func twoSums(n int, f func(lo, hi int) (float32, float32)) (float32, float32) {
	var one, other float64
	for lo := 0; lo < n; lo += block {
		a, b := f(lo, min(lo+block, n))
		one, other = one+float64(a), other+float64(b)
	}
	return float32(one), float32(other)
}

func gatedSumsGeneric(dy, x []float32, a, b, m float32) (sum, product float32) {
	var s, t lanes
	for i, v := range x {
		g := float32(0)
		if float32(v*a)+b > 0 {
			g = dy[i]
		}
		s[i%len(s)] += g
		t[i%len(t)] += float32(g * (v - m))
	}
	return s.total(), t.total()
}

func rectifiedSumsGeneric(dst, dy, y, x []float32, m float32) (sum, product float32) {
	var s, t lanes
	for i := range dst {
		g := float32(0)
		if y[i] > 0 {
			g = dy[i]
		}
		dst[i] = g
		s[i%len(s)] += g
		t[i%len(t)] += float32(g * (x[i] - m))
	}
	return s.total(), t.total()
}

func gatedAffine2Generic(dst, dy, x []float32, a, b, c, d, e float32) {
	for i, v := range x {
		g := float32(0)
		if float32(v*a)+b > 0 {
			g = dy[i]
		}
		dst[i] = float32(c*g) + (float32(d*v) + e)
	}
}

func scaleShiftReluGeneric(dst, x []float32, a, b float32) {
	for i := range dst {
		dst[i] = max(float32(x[i]*a)+b, 0)
	}
}

func scaleShiftAddReluGeneric(dst, x, y []float32, a, b float32) {
	for i := range dst {
		dst[i] = max(float32(float32(x[i]*a)+b)+y[i], 0)
	}
}
