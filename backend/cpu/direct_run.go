package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// directRun is a direct convolution with its data.
type directRun struct {
	*direct
	w       []float32
	x, y    []float32
	bias    []float32
	turned  bool // w is [g, c, m, taps], as a gradient sees it
	packed  []float32
	rooms   []float32
	cleared []bool // workers whose planes have zeros around them
}

// packStrips packs the filters of some strips, a group and a set at a time.
func (r *directRun) packStrips(_, lo, hi int) {
	for i := lo; i < hi; i++ {
		strip, set, group := i%r.strips, i/r.strips%len(r.sets), i/r.strips/len(r.sets)
		s := &r.sets[set]
		dst := r.packed[group*r.filters()+s.filter+strip*r.strip*len(s.steps):]
		r.packStrip(dst[:r.strip*len(s.steps)], s, group, strip*r.strip)
	}
}

func (r *directRun) packStrip(dst []float32, s *tapSet, group, first int) {
	c, count := r.in.c, min(r.strip, r.m-first)
	taps := r.allTaps()
	if !r.turned {
		r.sweeper.Pack(dst, r.strip, r.w[(group*r.m+first)*c*taps:], c*taps, 1, c*taps, count)
		return
	}
	for ch := range c {
		from := r.w[((group*c+ch)*r.m+first)*taps:]
		if len(s.taps) == taps {
			r.sweeper.Pack(dst[ch*taps*r.strip:], r.strip, from, taps, 1, taps, count)
			continue
		}
		for t, tap := range s.taps {
			lanes := dst[(ch*len(s.taps)+t)*r.strip:][:r.strip]
			for l := range count {
				lanes[l] = from[l*taps+tap.at]
			}
			clear(lanes[count:])
		}
	}
}

func (d *direct) allTaps() int {
	n := 0
	for i := range d.sets {
		n += len(d.sets[i].taps)
	}
	return n
}

func (d *direct) tasks() int { return ceilDiv(d.n, d.in.join) * d.g * d.in.sections }

func (r *directRun) convolve(worker, lo, hi int) {
	room := r.rooms[worker*r.room():][:r.room()]
	planes, result := room[:r.in.size()], room[r.in.size():]
	if !r.cleared[worker] {
		clear(planes)
		r.cleared[worker] = true
	}
	for i := lo; i < hi; i++ {
		section, group, first := i%r.in.sections, i/r.in.sections%r.g, i/r.in.sections/r.g*r.in.join
		images := min(r.in.join, r.n-first)
		channels := r.in.c * r.in.ih * r.in.iw
		r.in.fill(planes, r.x[(first*r.g+group)*channels:], images, r.g*channels, section)
		rows := min(r.in.each, r.rows-section*r.in.each)
		out := r.y[(first*r.g+group)*r.m*r.oh*r.ow:]
		if r.straight() {
			r.sweepSet(planes, out[section*r.in.each*r.ow:], r.oh*r.ow, group, 0, rows)
			continue
		}
		for set := range r.sets {
			r.sweepSet(planes, result[set*r.m*r.row:], r.row, group, set, rows)
		}
		r.putBack(out, result, images, section, rows)
	}
}

// sweepSet computes a phase of so many rows, block by block of steps: a block of a strip's filters stays in the first cache
// while it goes over a few tiles.
func (r *directRun) sweepSet(planes, c []float32, cRow, group, set, rows int) {
	s := &r.sets[set]
	lanes := r.sweeper.Lanes()
	columns, width := r.columns(rows), 2*lanes*r.tiles
	sweep := linalg.Sweep{ALane: 1, AStep: r.strip, B: planes, CRow: cRow}
	for k := 0; k == 0 || k < len(s.steps); k += r.block {
		sweep.Steps, sweep.Add = s.steps[k:min(k+r.block, len(s.steps))], k > 0
		for j := 0; j < columns; j += width {
			sweep.Starts, sweep.Cols = r.starts[j/lanes:], min(width, columns-j)
			for i := range r.strips {
				first := i * r.strip
				sweep.A = r.packed[group*r.filters()+s.filter+first*len(s.steps)+k*r.strip:]
				sweep.Rows = min(r.strip, r.m-first)
				sweep.C = c[first*cRow+j:]
				if r.bias != nil && k == 0 {
					sweep.RowBias = r.bias[group*r.m+first:]
				} else {
					sweep.RowBias = nil
				}
				r.sweeper.Run(&sweep)
			}
		}
	}
}
