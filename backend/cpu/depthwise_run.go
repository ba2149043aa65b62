package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// depthwiseRun is a depthwise convolution with its data; for the gradient of the input x is dy and y is dx.
type depthwiseRun struct {
	*depthwise
	x, w, bias, y []float32
	rooms         []float32
	cleared       []bool // by worker, whether the padding of its planes is
}

func (r *depthwiseRun) bind(s Scratch) func() error {
	r.rooms = floats(s.Mem)
	r.cleared = make([]bool, s.Pool.Threads())
	grain := max(1, chunk/(r.in.images*max(r.in.plane()*r.in.sh*r.in.sw, r.ih*r.iw)))
	convolve := r.convolve
	return func() error {
		clear(r.cleared)
		s.Pool.For(r.g*r.groups, grain, convolve)
		return nil
	}
}

// convolve does channels by groups of images.
func (r *depthwiseRun) convolve(worker, lo, hi int) {
	room := r.rooms[worker*r.room():][:r.room()]
	planes, room := room[:r.in.size()], room[r.in.size():]
	flats, weights := room[:r.sw*r.flatRoom()], room[r.sw*r.flatRoom():]
	if !r.cleared[worker] {
		clear(planes)
		r.cleared[worker] = true
	}
	from, to := r.in.ih*r.in.iw, r.height*r.width
	for task := lo; task < hi; task++ {
		c := task / r.groups
		first, count := r.images(task % r.groups)
		at := first*r.g + c
		r.in.fill(planes, r.x[at*from:], count, r.g*from)
		if r.sparse {
			for i := range count {
				clear(r.y[(at+i*r.g)*to:][:to])
			}
		}
		bias := float32(0)
		if r.bias != nil {
			bias = r.bias[c]
		}
		for a := range r.sh {
			results := r.sums(planes, flats, weights, a, c, roundUp(r.flat(count), linalg.TapLanes), bias)
			r.spread(r.y[at*to:], results[:r.sw], a, count, r.g*to)
		}
	}
}

// sums are the first n results of the phases of row a for channel c, nil for those without taps.
func (r *depthwiseRun) sums(planes, flats, weights []float32, a, c, n int, bias float32) (results [widest][]float32) {
	filter := len(r.w) / r.g
	for b := range r.sw {
		set := &r.sets[a*r.sw+b]
		if len(set.taps) == 0 {
			continue
		}
		for t, tap := range set.taps {
			weights[t] = r.w[c*filter+tap]
		}
		results[b] = flats[b*r.flatRoom():][:n]
		linalg.TapSums(results[b], planes, weights[:len(set.taps)], set.offsets, bias)
	}
	return results
}
