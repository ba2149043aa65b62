package cpu

import "github.com/onnxtrain/onnxtrain/tensor/linalg"

// winogradRun is a winograd with its data.
type winogradRun struct {
	*winograd
	x, w, bias, y []float32
	mapped        []float32 // filters: for each element of a tile strips of output channels, each input channel by input channel
	rooms         []float32
	cleared       []bool // workers whose planes have zeros around them
}

func bindWinograd(r *winogradRun, s Scratch) func() error {
	mem := floats(s.Mem)
	r.mapped, r.rooms = mem[:r.filters()], mem[r.filters():]
	r.cleared = make([]bool, s.Pool.Threads())
	maps, convolve := r.mapStrips, r.convolve
	return func() error {
		clear(r.cleared)
		s.Pool.For(r.strips, 1, maps)
		s.Pool.For(ceilDiv(r.parts, r.per), 1, convolve)
		return nil
	}
}

// mapStrips maps the filters of some strips.
func (r *winogradRun) mapStrips(worker, lo, hi int) {
	c := r.in.c
	packed := r.rooms[worker*r.room()+r.in.size():][:9*c*r.strip]
	for i := lo; i < hi; i++ {
		first := i * r.strip
		count := min(r.strip, r.m-first)
		t := linalg.Tiles{Src: packed, SrcRow: 3 * r.strip, SrcCol: linalg.Columns(r.strip), SrcTile: 9 * r.strip,
			Dst: r.mapped[first*c:], DstRow: 4 * r.filterPlane, DstCol: r.filterPlane, DstTile: r.strip, N: r.strip, Count: c, Planes: 1}
		if r.turned {
			t.From, t.SrcRow, t.SrcCol = 8*r.strip, -3*r.strip, linalg.Columns(-r.strip)
			for ch := range c {
				r.sweeper.Pack(packed[9*ch*r.strip:], r.strip, r.w[(ch*r.m+first)*9:], 9, 1, 9, count)
			}
		} else {
			r.sweeper.Pack(packed, r.strip, r.w[first*c*9:], 9*c, 1, 9*c, count)
		}
		t.Run(linalg.WinogradFilter)
	}
}

func (r *winogradRun) convolve(worker, lo, hi int) {
	room := r.rooms[worker*r.room():][:r.room()]
	planes, room := room[:r.in.size()], room[r.in.size():]
	result, room := room[:r.results()], room[r.results():]
	tiles, products := room[:winogradSquare*r.mapPlane+2*r.sweeper.Lanes()], room[winogradSquare*r.mapPlane+2*r.sweeper.Lanes():]
	if !r.cleared[worker] {
		clear(planes)
		r.cleared[worker] = true
	}
	for i := lo; i < hi; i++ {
		first, last := i*r.per, min((i+1)*r.per, r.parts)
		for part := first; part < last; part++ {
			r.mapInput(tiles[(part-first)*r.bh*r.winograd.row:], planes, part)
		}
		r.multiply(products, tiles, (last-first)*r.bh*r.winograd.row)
		for part := first; part < last; part++ {
			r.mapOutput(result, products[(part-first)*r.bh*r.winograd.row:], part)
		}
	}
}

// part is the first of the images side by side, how many they are, and the section of their planes.
func (d *winograd) part(i int) (first, images, section int) {
	first = i / d.in.sections * d.in.join
	return first, min(d.in.join, d.n-first), i % d.in.sections
}

func (r *winogradRun) mapInput(tiles, planes []float32, part int) {
	p := &r.in
	first, images, section := r.part(part)
	channels := p.c * p.ih * p.iw
	p.fill(planes, r.x[first*channels:], images, channels, section)
	t := linalg.Tiles{Src: planes, SrcRow: p.pitch, SrcCol: [4]int{0, p.plane(), p.join, p.plane() + p.join}, SrcTile: 2 * p.pitch,
		SrcPlane: 2 * p.plane(), Dst: tiles, DstRow: 4 * r.mapPlane, DstCol: r.mapPlane, DstTile: r.winograd.row, DstPlane: r.pitch,
		N: r.winograd.row, Count: r.bh, Planes: p.c}
	t.Run(linalg.WinogradInput)
}

// multiply makes the 16 products. A bias is added to element (1, 1), which all elements of the output have in them once.
func (r *winogradRun) multiply(products, tiles []float32, columns int) {
	const middle = 5
	c := r.in.c
	s := linalg.Sweep{ALane: 1, AStep: r.strip, CRow: r.pitch}
	for e := range winogradSquare {
		s.B = tiles[e*r.mapPlane:]
		for k := 0; k < c; k += directBlock {
			s.Steps, s.Add = r.winograd.steps[k:min(k+directBlock, c)], k > 0
			for j := 0; j < columns; j += r.wide {
				s.Starts, s.Cols = r.places[j/r.sweeper.Lanes():], min(r.wide, columns-j)
				for i := range r.strips {
					first := i * r.strip
					s.A = r.mapped[e*r.filterPlane+first*c+k*r.strip:]
					s.Rows = min(r.strip, r.m-first)
					s.C = products[e*r.productPlane+first*r.pitch+j:]
					s.RowBias = nil
					if r.bias != nil && e == middle && k == 0 {
						s.RowBias = r.bias[first:]
					}
					r.sweeper.Run(&s)
				}
			}
		}
	}
}

func (r *winogradRun) mapOutput(result, products []float32, part int) {
	first, images, section := r.part(part)
	t := linalg.Tiles{Src: products, SrcRow: 4 * r.productPlane, SrcCol: linalg.Columns(r.productPlane), SrcTile: r.winograd.row, SrcPlane: r.pitch,
		Dst: result, DstRow: r.winograd.row, DstCol: r.m * r.direct.row, DstTile: 2 * r.winograd.row, DstPlane: r.direct.row,
		N: r.winograd.row, Count: r.bh, Planes: r.m}
	t.Run(linalg.WinogradOutput)
	r.putBack(r.y[first*r.m*r.oh*r.ow:], result, images, section, 2*r.bh)
}
