package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// The results of a direct convolution lie as its input does: phases apart, images side by side, with columns between rows
// that mean nothing. They are copied to the output a vector of columns of all rows and channels at a time.

// backCopy copies a vector of columns of an image.
type backCopy struct {
	linalg.Weave
	image, set int // the set that has the rows' first phase
	dst        int // from the image's, or the set's, first row on
	src        []int
}

// perPhase is how many vectors of a phase's results a vector of output is put together from.
func (d *direct) perPhase() int {
	lanes := d.sweeper.Lanes()
	return ceilDiv((ceilDiv(lanes, d.sw)-1)*d.in.join+1, lanes)
}

// resultPitch is the distance of rows of a result.
func (d *direct) resultPitch() int {
	if d.flat {
		return d.in.pitch
	}
	return d.cols * d.in.join
}

func (d *direct) planBack() {
	if d.straight() {
		return
	}
	for a := range d.sh {
		for image := range d.in.join {
			for j := 0; j < d.ow; j += d.sweeper.Lanes() {
				if len(d.sets) == 1 && d.in.join == 1 {
					d.back = append(d.back, backCopy{Weave: d.sweeper.Copy(d.ow), src: []int{0}})
					break
				}
				d.back = append(d.back, d.backColumns(a, image, j))
			}
		}
	}
}

// backColumns plans the output's columns from j on in rows of phase a.
func (d *direct) backColumns(a, image, j int) backCopy {
	lanes, per := d.sweeper.Lanes(), d.perPhase()
	b := backCopy{image: image, set: a * d.sw, dst: j, src: make([]int, d.sw*per)}
	from := make([]int, min(lanes, d.ow-j))
	for phase := range d.sw {
		set := a*d.sw + phase
		base := -1
		for l := range from {
			column := j + l - d.sets[set].col
			if column%d.sw != 0 {
				continue
			}
			at := column/d.sw*d.in.join + image
			if base < 0 {
				base = at
			}
			from[l] = phase*per*lanes + at - base
		}
		for i := range per {
			b.src[phase*per+i] = set*d.m*d.row + max(base, 0) + i*lanes
		}
	}
	b.Weave = d.sweeper.Weave(from)
	return b
}

// putBack copies the results of so many rows of a section to the planes of its images.
func (d *direct) putBack(out, result []float32, images, section, rows int) {
	first := section * d.in.each
	for i := range d.back {
		b := &d.back[i]
		if b.image >= images {
			continue
		}
		s := &d.sets[b.set]
		w := b.Weave
		w.Rows = min(rows, ceilDiv(d.oh-s.row, d.sh)-first)
		if w.Rows <= 0 {
			continue
		}
		w.Planes = d.m
		w.Dst = out[b.image*d.g*d.m*d.oh*d.ow+(s.row+first*d.sh)*d.ow+b.dst:]
		w.DstRow, w.DstPlane = d.sh*d.ow, d.oh*d.ow
		w.SrcRow, w.SrcPlane = d.resultPitch(), d.row
		for k, at := range b.src {
			w.Src[k] = tail(result, at)
		}
		w.Run()
	}
}
