package cpu

import (
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor/linalg"
)

// winogradWeightRun is a winogradWeight with its data.
type winogradWeightRun struct {
	*winogradWeight
	pool      *par.Pool
	dw, dy, x []float32
	total     []float32 // sums, part by part
	mapped    []float32 // tiles, of one piece or of one each worker
	rooms     []float32

	at winogradPiece // that all workers are at
}

func (r *winogradWeightRun) bind(mem []float32) func() error {
	sums := r.parts * r.sums()
	r.total, mem = mem[:sums], mem[sums:]
	rooms := len(mem) - r.pool.Threads()*r.copies()
	r.mapped, r.rooms = mem[:rooms], mem[rooms:]
	finish := r.finish
	if r.parts > 1 {
		sumParts := r.sumParts
		return func() error {
			r.pool.For(r.parts, 1, sumParts)
			r.pool.For(r.m, 1, finish)
			return nil
		}
	}
	maps := func(worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			r.mapImage(r.mapped, r.room(worker), &r.at, i)
		}
	}
	products := func(_, lo, hi int) {
		for e := lo; e < hi; e++ {
			r.multiply(r.total, r.mapped, &r.at, e)
		}
	}
	return func() error {
		for i := range r.pieces(r.n) {
			r.at = r.piece(0, r.n, i)
			r.pool.For(r.at.images, 1, maps)
			r.pool.For(winogradSquare, 1, products)
		}
		r.pool.For(r.m, 1, finish)
		return nil
	}
}

func (r *winogradWeightRun) room(worker int) []float32 {
	return r.rooms[worker*r.copies():][:r.copies()]
}

// sumParts sums parts [lo, hi) of the batch.
func (r *winogradWeightRun) sumParts(worker, lo, hi int) {
	mapped := r.mapped[worker*r.tiles():][:r.tiles()]
	for part := lo; part < hi; part++ {
		first := part * r.part
		images := min(r.part, r.n-first)
		for i := range r.pieces(images) {
			p := r.piece(first, images, i)
			for image := range p.images {
				r.mapImage(mapped, r.room(worker), &p, image)
			}
			for e := range winogradSquare {
				r.multiply(r.total[part*r.sums():], mapped, &p, e)
			}
		}
	}
}

// mapImage maps an image's rows of a piece, the input and the gradient of the output.
func (r *winogradWeightRun) mapImage(mapped, room []float32, p *winogradPiece, image int) {
	planes, grads := room[:r.inPlanes], room[r.inPlanes:][:r.outPlanes]
	clear(room)
	n, tiles := p.first+image, image*r.bh*r.tw
	r.channelsLast(planes[r.pw*r.c:], r.inRow, r.x[n*r.c*r.inPlane():], r.c, r.ih, r.iw, 2*p.row-r.ph, 2*r.bh+2, 2*r.tw+2-r.pw)
	t := linalg.Tiles{Src: planes, SrcRow: r.inRow, SrcCol: linalg.Columns(r.c), SrcTile: 2 * r.c, SrcPlane: 2 * r.inRow,
		Dst: mapped[tiles*r.mapPitch:], DstRow: 4 * r.mapPlane, DstCol: r.mapPlane, DstTile: r.mapPitch, DstPlane: r.tw * r.mapPitch,
		N: r.c, Count: r.tw, Planes: r.bh}
	t.Run(linalg.WinogradInput)
	r.channelsLast(grads, r.outRow, r.dy[n*r.m*r.outPlane():], r.m, r.oh, r.ow, 2*p.row, 2*r.bh, 2*r.tw)
	t = linalg.Tiles{Src: grads, SrcRow: r.outRow, SrcCol: linalg.Columns(r.m), SrcTile: 2 * r.m, SrcPlane: 2 * r.outRow,
		Dst: mapped[winogradSquare*r.mapPlane+tiles*r.gradPitch:], DstRow: 4 * r.gradPlane, DstCol: r.gradPlane, DstTile: r.gradPitch,
		DstPlane: r.tw * r.gradPitch, N: r.m, Count: r.tw, Planes: r.bh}
	t.Run(linalg.WinogradOutputGrad)
}

// channelsLast copies rows of planes of ih by iw elements from row top on, where there are such, cut at so many columns.
func (r *winogradWeightRun) channelsLast(dst []float32, pitch int, src []float32, channels, ih, iw, top, rows, columns int) {
	for i := max(top, 0); i < min(top+rows, ih); i++ {
		r.sweeper.Transpose(dst[(i-top)*pitch:], channels, src[i*iw:], ih*iw, min(iw, columns), channels)
	}
}

// multiply adds a piece to the sums of element e of the tiles.
func (r *winogradWeightRun) multiply(sums, mapped []float32, p *winogradPiece, e int) {
	grads := mapped[winogradSquare*r.mapPlane+e*r.gradPlane:]
	steps := r.steps[:p.images*r.bh*r.tw]
	wide := 2 * r.sweeper.Lanes() * max(1, directSteps/len(steps))
	s := linalg.Sweep{ALane: 1, AStep: r.gradPitch, B: mapped[e*r.mapPlane:], Steps: steps, CRow: r.c, Add: p.add}
	for j := 0; j < r.c; j += wide {
		s.Starts, s.Cols = r.places[j/r.sweeper.Lanes():], min(wide, r.c-j)
		for i := range r.strips {
			first := i * r.strip
			s.A, s.Rows = grads[first:], min(r.strip, r.m-first)
			s.C = sums[e*r.sumPlane+first*r.c+j:]
			r.sweeper.Run(&s)
		}
	}
}

// finish adds the parts of filters [lo, hi) and maps them.
func (r *winogradWeightRun) finish(worker, lo, hi int) {
	line := r.room(worker)[:9*r.c]
	for m := lo; m < hi; m++ {
		for e := range winogradSquare {
			sum := r.total[e*r.sumPlane+m*r.c:][:r.c]
			for part := 1; part < r.parts; part++ {
				addVV(sum, sum, r.total[part*r.sums()+e*r.sumPlane+m*r.c:][:r.c])
			}
		}
		t := linalg.Tiles{Src: r.total, From: m * r.c, SrcRow: 4 * r.sumPlane, SrcCol: linalg.Columns(r.sumPlane),
			Dst: line, DstRow: 3 * r.c, DstCol: r.c, N: r.c, Count: 1, Planes: 1}
		t.Run(linalg.WinogradFilterGrad)
		r.sweeper.Transpose(r.dw[m*9*r.c:], 9, line, r.c, r.c, 9)
	}
}
