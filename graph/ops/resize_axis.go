package ops

import (
	"fmt"
	"math"
)

// resizeTap is a share that an output position has of an input position.
type resizeTap struct {
	at     int
	weight float64
}

// resizeAxis is how one axis is resized: what each output position consists of. A position beyond the region of
// interest, outside, has a fixed value instead.
type resizeAxis struct {
	axis    int
	taps    [][]resizeTap
	outside []bool
}

// resizing are the attributes of a Resize node that say how positions are computed from others.
type resizing struct {
	mode, coordinates, nearest string
	cubic                      float64 // the parameter a of the cubic kernel
	antialias, inside          bool    // inside: only positions inside of the tensor have weight
}

// axisOf computes the taps of an axis of size in that becomes size out, larger by scale; the region of interest is from
// start to end, as parts of the axis.
func (r *resizing) axisOf(axis, in, out int, scale, start, end float64) (resizeAxis, error) {
	a := resizeAxis{axis: axis, taps: make([][]resizeTap, out), outside: make([]bool, out)}
	for o := range out {
		x, err := r.coordinate(float64(o), float64(in), float64(out), scale, start, end)
		if err != nil {
			return a, err
		}
		a.outside[o] = r.coordinates == "tf_crop_and_resize" && (x < 0 || x > float64(in-1))
		if a.taps[o], err = r.tapsAt(x, in, scale); err != nil {
			return a, err
		}
	}
	return a, nil
}

// identity reports an axis that stays as it is.
func (a *resizeAxis) identity(in int) bool {
	if len(a.taps) != in {
		return false
	}
	for o, taps := range a.taps {
		for _, t := range taps {
			if a.outside[o] || t.weight != 0 && t.at != o {
				return false
			}
		}
	}
	return true
}

// coordinate is the position in the input that output position o has.
func (r *resizing) coordinate(o, in, out, scale, start, end float64) (float64, error) {
	exact := scale * in // which out is the whole part of
	switch r.coordinates {
	case "half_pixel":
		return (o+0.5)/scale - 0.5, nil
	case "half_pixel_symmetric":
		return in/2*(1-out/exact) + (o+0.5)/scale - 0.5, nil
	case "pytorch_half_pixel":
		if exact <= 1 {
			return 0, nil
		}
		return (o+0.5)/scale - 0.5, nil
	case "tf_half_pixel_for_nn":
		return (o + 0.5) / scale, nil
	case "asymmetric":
		return o / scale, nil
	case "align_corners":
		if exact == 1 {
			return 0, nil
		}
		return o * (in - 1) / (exact - 1), nil
	case "tf_crop_and_resize":
		if exact == 1 {
			return start*(in-1) + (end-start)*(in-1)/2, nil
		}
		return start*(in-1) + o*(end-start)*(in-1)/(exact-1), nil
	}
	return 0, fmt.Errorf("attribute coordinate_transformation_mode is %q, which is not known", r.coordinates)
}

// tapsAt interpolates at position x.
func (r *resizing) tapsAt(x float64, in int, scale float64) ([]resizeTap, error) {
	if r.mode == "nearest" {
		at, err := r.nearestTo(x, scale)
		return []resizeTap{{max(0, min(in-1, at)), 1}}, err
	}
	radius, kernel := 1, func(d float64) float64 { return max(0, 1-d) }
	if r.mode == "cubic" {
		radius, kernel = 2, r.cubicKernel
	}
	// Antialiasing widens the kernel to all positions that become one.
	width := 1.0
	if r.antialias {
		width = min(scale, 1)
	}
	reach := int(math.Ceil(float64(radius) / width))
	before := int(math.Ceil(x)) - 1
	taps := make([]resizeTap, 0, 2*reach)
	total := 0.0
	for i := before - reach + 1; i <= before+reach; i++ {
		weight := kernel(math.Abs(float64(i)-x) * width)
		if r.inside && (i < 0 || i >= in) {
			weight = 0
		}
		total += weight
		taps = append(taps, resizeTap{max(0, min(in-1, i)), weight})
	}
	if r.inside || r.antialias {
		for i := range taps {
			taps[i].weight /= total
		}
	}
	return taps, nil
}

func (r *resizing) nearestTo(x, scale float64) (int, error) {
	switch r.nearest {
	case nearestOf10:
		if scale < 1 {
			return int(math.Ceil(x)), nil
		}
		return int(math.Floor(x)), nil
	case "round_prefer_floor":
		return int(math.Ceil(x - 0.5)), nil
	case "round_prefer_ceil":
		return int(math.Floor(x + 0.5)), nil
	case "floor":
		return int(math.Floor(x)), nil
	case "ceil":
		return int(math.Ceil(x)), nil
	}
	return 0, fmt.Errorf("attribute nearest_mode is %q, which is not known", r.nearest)
}

// cubicKernel is the cubic convolution kernel of Keys (IEEE Trans. ASSP 29, 1981) at distance d.
func (r *resizing) cubicKernel(d float64) float64 {
	a := r.cubic
	switch {
	case d <= 1:
		return ((a+2)*d-(a+3))*d*d + 1
	case d < 2:
		return ((a*d-5*a)*d+8*a)*d - 4*a
	}
	return 0
}
