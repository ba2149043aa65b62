package cpu

// conv2d is the geometry of a convolution over planes; one over lines has height 1.
type conv2d struct {
	n, g   int // batch, groups
	m, c   int // output and input channels of a group
	ih, iw int // input plane
	oh, ow int // output plane
	kh, kw int
	sh, sw int // strides
	dh, dw int // dilations
	ph, pw int // padding at the start
}

func (v *conv2d) taps() int     { return v.kh * v.kw }
func (v *conv2d) inPlane() int  { return v.ih * v.iw }
func (v *conv2d) outPlane() int { return v.oh * v.ow }
func (v *conv2d) filter() int   { return v.c * v.taps() }
func (v *conv2d) pointwise() bool {
	return v.taps() == 1 && v.sh == 1 && v.sw == 1 && v.ph == 0 && v.pw == 0 && v.oh == v.ih && v.ow == v.iw
}

// patches packs the matrix of patches, filter elements by output pixels, of one image and group: x is that group's
// planes. It follows linalg.Packer for lanes that are pixels [i0, i1) in strips of width.
func (v *conv2d) patches(dst, x []float32, width, k0, k1, i0, i1 int) {
	for ; i0 < i1; i0 += width {
		count := min(width, i1-i0)
		row, col := i0/v.ow, i0%v.ow
		ch, tap := k0/v.taps(), k0%v.taps()
		r, q := tap/v.kw, tap%v.kw
		for range k1 - k0 {
			lanes := dst[:width]
			v.pixels(lanes[:count], x[ch*v.inPlane():], row, col, r, q)
			clear(lanes[count:])
			dst = dst[width:]
			if q++; q == v.kw {
				q = 0
				if r++; r == v.kh {
					r = 0
					ch++
				}
			}
		}
	}
}

// pixels writes what filter tap (r, q) sees in the plane x at output pixels (row, col), (row, col+1), …, which run on
// over the ends of rows.
func (v *conv2d) pixels(dst, x []float32, row, col, r, q int) {
	for len(dst) > 0 {
		n := min(len(dst), v.ow-col)
		if i := row*v.sh - v.ph + r*v.dh; uint(i) < uint(v.ih) {
			v.pixelRow(dst[:n], x[i*v.iw:i*v.iw+v.iw], col*v.sw-v.pw+q*v.dw)
		} else {
			clear(dst[:n])
		}
		dst = dst[n:]
		row, col = row+1, 0
	}
}

// pixelRow writes x[at], x[at+stride], …, with zeros outside of the row.
func (v *conv2d) pixelRow(dst, x []float32, at int) {
	if v.sw != 1 {
		for i := range dst {
			if uint(at) < uint(len(x)) {
				dst[i] = x[at]
			} else {
				dst[i] = 0
			}
			at += v.sw
		}
		return
	}
	if at < 0 {
		n := min(-at, len(dst))
		clear(dst[:n])
		dst, at = dst[n:], at+n
	}
	n := 0
	if len(dst) > 0 && at < len(x) {
		n = copy(dst, x[at:])
	}
	clear(dst[n:])
}

// addPatches is the transpose of patches taken as a linear map: it adds a matrix of patches, filter elements by
// output pixels, back onto the planes that they came from.
func (v *conv2d) addPatches(x, patches []float32) {
	for k := range v.filter() {
		ch, tap := k/v.taps(), k%v.taps()
		r, q := tap/v.kw, tap%v.kw
		plane := x[ch*v.inPlane():][:v.inPlane()]
		row := patches[k*v.outPlane():][:v.outPlane()]
		for o := range v.oh {
			i := o*v.sh - v.ph + r*v.dh
			if uint(i) >= uint(v.ih) {
				continue
			}
			line := plane[i*v.iw:][:v.iw]
			j := q*v.dw - v.pw
			for _, p := range row[o*v.ow:][:v.ow] {
				if uint(j) < uint(len(line)) {
					line[j] += p
				}
				j += v.sw
			}
		}
	}
}
