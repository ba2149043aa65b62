package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// stack is the planes of some images one behind the other with the padding around them, split into phases of rows and
// columns where a convolution has strides: element (i, j) of a padded plane is in phase (i%sh, j%sw).
type stack struct {
	images      int
	ih, iw      int // plane without padding
	sh, sw      int
	ph, pw      int // padding at the start; below 0 the first rows or columns are not needed
	rows, pitch int // of a padded phase of a plane
	copies      []planeCopy
}

// planeCopy copies a vector of columns of all rows of all planes, or of every sh-th row.
type planeCopy struct {
	linalg.Weave
	dst int // of the first plane, where its first row begins
	src []int
}

// widest is the number of vectors that linalg.Weave puts one together from.
const widest = 4

func (s *stack) plane() int { return s.rows * s.pitch }

// at is where element (i, j) of the first padded plane lies.
func (s *stack) at(i, j int) int32 {
	phase := i%s.sh*s.sw + j%s.sw
	return int32(phase*s.images*s.plane() + i/s.sh*s.pitch + j/s.sw)
}

// size is the number of elements, and those that rows of whole vectors read behind the last.
func (s *stack) size() int {
	return roundUp(s.sh*s.sw*s.images*s.plane()+linalg.TapLanes, linalg.TapLanes)
}

// plan plans the copies of planes to the places that the padding leaves.
func (s *stack) plan() {
	sweeper := linalg.NewSweeper()
	lanes := sweeper.Lanes()
	for phase := range s.sh * s.sw {
		a, b := phase/s.sw, phase%s.sw
		row0, row1 := inside(a, s.sh, s.ph, s.ih, s.rows)
		col0, col1 := inside(b, s.sw, s.pw, s.iw, s.pitch)
		if row0 == row1 || col0 == col1 {
			continue
		}
		width := lanes
		if s.sw == 1 {
			width = col1 - col0
		}
		for col := col0; col < col1; col += width {
			n := min(width, col1-col)
			c := planeCopy{Weave: sweeper.Copy(n), dst: int(s.at(0, b)) + int(s.at(a, 0)) + row0*s.pitch + col}
			if s.sw > 1 {
				from := make([]int, n)
				for l := range from {
					from[l] = l * s.sw
				}
				c.Weave = sweeper.Weave(from)
			}
			src := (row0*s.sh+a-s.ph)*s.iw + col*s.sw + b - s.pw
			for at := 0; at < (n-1)*s.sw+1; at += lanes {
				c.src = append(c.src, src+at)
			}
			if s.sw == 1 {
				c.src = c.src[:1]
			}
			c.Rows, c.DstRow, c.SrcRow, c.DstPlane = row1-row0, s.pitch, s.sh*s.iw, s.plane()
			s.copies = append(s.copies, c)
		}
	}
}

// fill copies planes of x that are stride elements apart.
func (s *stack) fill(to, x []float32, images, stride int) {
	for i := range s.copies {
		c := &s.copies[i]
		w := c.Weave
		w.Dst, w.Planes, w.SrcPlane = to[c.dst:], images, stride
		for k, at := range c.src {
			w.Src[k] = tail(x, at)
		}
		w.Run()
	}
}

// planSpread plans the copies of results to the planes of the output: for each row of phases, a vector of columns that
// each phase of columns gives every sw-th of.
func (d *depthwise) planSpread() {
	sweeper := linalg.NewSweeper()
	d.spreads = make([][]planeCopy, d.sh)
	for a := range d.spreads {
		row0, row1 := inside(a, d.sh, d.top, d.height, d.rows)
		if row0 == row1 {
			continue
		}
		first, width := max(0, -d.left), sweeper.Lanes()
		if d.sw == 1 {
			width = d.width - first
		}
		for j := first; j < d.width; j += width {
			c := d.spreadColumns(sweeper, j, min(width, d.width-j))
			for k := range c.src {
				c.src[k] += row0 * d.in.pitch
			}
			c.dst = (d.sh*row0+a-d.top)*d.width + j
			c.Rows, c.DstRow, c.SrcRow, c.SrcPlane = row1-row0, d.sh*d.width, d.in.pitch, d.in.plane()
			d.spreads[a] = append(d.spreads[a], c)
		}
	}
}

// spreadColumns is the copy of columns j to j+n; src is by phase of columns.
func (d *depthwise) spreadColumns(sweeper linalg.Sweeper, j, n int) planeCopy {
	if d.sw == 1 {
		return planeCopy{Weave: sweeper.Copy(n), src: []int{j + d.left}}
	}
	c := planeCopy{src: make([]int, d.sw)}
	from := make([]int, n)
	for l := n - 1; l >= 0; l-- {
		c.src[(j+l+d.left)%d.sw] = (j + l + d.left) / d.sw
	}
	for l := range from {
		phase, column := (j+l+d.left)%d.sw, (j+l+d.left)/d.sw
		from[l] = phase*sweeper.Lanes() + column - c.src[phase]
	}
	c.Weave = sweeper.Weave(from)
	return c
}

// spread copies the results of the phases of row a to planes of y that are stride elements apart. A phase of columns
// without results leaves zeros.
func (d *depthwise) spread(y []float32, flats [][]float32, a, images, stride int) {
	if d.sw == 1 && flats[0] == nil {
		return
	}
	for i := range d.spreads[a] {
		c := &d.spreads[a][i]
		w := c.Weave
		w.Dst, w.Planes, w.DstPlane = y[c.dst:], images, stride
		for k, at := range c.src {
			if flats[k] != nil {
				w.Src[k] = tail(flats[k], at)
			}
		}
		w.Run()
	}
}
