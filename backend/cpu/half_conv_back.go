package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// round writes a band of results of a strip of channels to the images from the first on. top is its first row of a phase.
func (r *halfConvRun) round(w *halfWorker, first, group, strip, top, rows int) {
	count := min(linalg.HalfRows, r.m-strip*linalg.HalfRows)
	plane, from := r.oh*r.ow, top*r.sh*r.ow
	y := r.y[((first*r.g+group)*r.m+strip*linalg.HalfRows)*plane+from:]
	if r.straight() {
		r.roundRows(y, w.results, count, rows)
		return
	}
	images := min(r.in.join, r.n-first)
	r.weaveBack(w, images, count, top, rows)
	size := min(rows*r.sh*r.ow, plane-from)
	for i := range images {
		from, to := w.images[i*linalg.HalfRows*r.image:], y[i*r.g*r.m*plane:]
		if size == plane && r.image == plane {
			linalg.Narrow(to, from[:count*plane])
			continue
		}
		for ch := range count {
			linalg.Narrow(to[ch*plane:], from[ch*r.image:][:size])
		}
	}
}

// roundRows does it for a single image and phase.
func (r *halfConvRun) roundRows(y []uint16, results []float32, count, rows int) {
	plane := r.oh * r.ow
	for ch := range count {
		from, to := results[ch*r.row:], y[ch*plane:]
		if r.whole() {
			linalg.Narrow(to, from[:rows*r.ow])
			continue
		}
		for i := range rows {
			linalg.Narrow(to[i*r.ow:], from[i*r.across:][:r.ow])
		}
	}
}

// weaveBack takes phases and images apart, into planes of the rows of a band.
func (r *halfConvRun) weaveBack(w *halfWorker, images, count, top, rows int) {
	for i := range r.back {
		b := &r.back[i]
		if b.image >= images {
			continue
		}
		s := &r.sets[b.set]
		v := b.Weave
		v.Rows = min(rows, ceilDiv(r.oh-s.row, r.sh)-top)
		v.Planes = count
		v.Dst = w.images[b.image*linalg.HalfRows*r.image+s.row*r.ow+b.dst:]
		v.DstRow, v.DstPlane = r.sh*r.ow, r.image
		v.SrcRow, v.SrcPlane = r.across, r.row
		for k, at := range b.src {
			v.Src[k] = tail(w.results, at)
		}
		v.Run()
	}
}
