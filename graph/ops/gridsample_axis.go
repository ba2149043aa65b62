package ops

import "math"

// gridTap is a share that an output has of an input position, -1 for one of zeros, with the derivatives of the share
// with respect to the coordinates of the point.
type gridTap struct {
	at     int
	weight float64
	slopes []float64
}

// axisTap is a gridTap of one axis.
type axisTap struct {
	at            int
	weight, slope float64
}

// gridAxis turns a coordinate between -1 and 1 into positions along an axis.
type gridAxis struct {
	size          int
	mode, padding string
	scale, shift  float64 // of coordinates to positions
	low, high     float64 // the borders: the outer positions' centres or, with corners not aligned, edges
}

func newGridAxis(size int, mode, padding string, align bool) gridAxis {
	last := float64(size - 1)
	a := gridAxis{size: size, mode: mode, padding: padding, scale: float64(size) / 2, shift: last / 2, low: -0.5, high: last + 0.5}
	if align {
		a.scale, a.low, a.high = last/2, 0, last
	}
	return a
}

// taps interpolates at a coordinate.
func (a *gridAxis) taps(coordinate float64) []axisTap {
	x := coordinate*a.scale + a.shift
	if a.mode == "nearest" {
		x, _ = a.bring(math.RoundToEven(x))
		return []axisTap{{a.position(int(x)), 1, 0}}
	}
	x, slope := a.bring(x)
	slope *= a.scale
	base := math.Floor(x)
	t, i := x-base, int(base)
	if a.mode == "linear" {
		return []axisTap{{a.position(i), 1 - t, -slope}, {a.position(i + 1), t, slope}}
	}
	kernel := resizing{cubic: -0.75}
	var taps []axisTap
	for k := -1; k <= 2; k++ {
		d := t - float64(k)
		taps = append(taps, axisTap{a.position(i + k), kernel.cubicKernel(math.Abs(d)), slope * kernel.cubicSlope(math.Abs(d)) * math.Copysign(1, d)})
	}
	return taps
}

// cubicSlope is the derivative of cubicKernel.
func (r *resizing) cubicSlope(d float64) float64 {
	a := r.cubic
	switch {
	case d <= 1:
		return (3*(a+2)*d - 2*(a+3)) * d
	case d < 2:
		return (3*a*d-10*a)*d + 8*a
	}
	return 0
}

// bring moves a position beyond the borders to where the padding takes it from, and gives the derivative of that.
func (a *gridAxis) bring(x float64) (to, slope float64) {
	if x >= a.low && x <= a.high {
		return x, 1
	}
	switch a.padding {
	case "border":
		return max(0, min(float64(a.size-1), x)), 0
	case "reflection":
		return a.reflect(x)
	}
	return x, 1
}

// reflect mirrors a position at the borders until it lies between them.
func (a *gridAxis) reflect(x float64) (to, slope float64) {
	span := a.high - a.low
	if span == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return a.low, 0
	}
	beyond, slope := x-a.low, 1.0
	if beyond < 0 {
		beyond, slope = -beyond, -1
	}
	if turns := math.Floor(beyond / span); math.Mod(turns, 2) == 0 {
		return a.low + beyond - turns*span, slope
	} else {
		return a.high - (beyond - turns*span), -slope
	}
}

// position is the element at i, by the padding when that is outside, and -1 for zeros.
func (a *gridAxis) position(i int) int {
	if i >= 0 && i < a.size {
		return i
	}
	switch a.padding {
	case "border":
		return max(0, min(a.size-1, i))
	case "reflection":
		to, _ := a.reflect(float64(i))
		return max(0, min(a.size-1, int(to)))
	}
	return -1
}
