package linalg

import (
	"fmt"
	"slices"
)

//go:generate go -C _asm run ./winograd -out ..

// Winograd's minimal filtering F(2x2, 3x3) computes a tile of 2x2 elements of a convolution with 3x3 filters from a tile of
// 4x4 elements of its input in 16 multiplications instead of 36: with the filter and the input tile mapped to 4x4 elements each,
// these are multiplied element by element, added up over channels, and mapped to the output. Its adjoint gives the filter's
// gradient (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015, section 4.1).
type TileMap int

// Every map X -> T X T^T; sizes are those of squares.
const (
	WinogradInput      TileMap = iota // 4 to 4
	WinogradOutput                    // 4 to 2
	WinogradOutputGrad                // 2 to 4, the adjoint of WinogradOutput
	WinogradFilter                    // 3 to 4
	WinogradFilterGrad                // 4 to 3, the adjoint of WinogradFilter
)

// lines are T by row.
var lines = [...][][]float32{
	WinogradInput:      {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
	WinogradOutput:     {{1, 1, 1, 0}, {0, 1, -1, -1}},
	WinogradOutputGrad: {{1, 0}, {1, 1}, {1, -1}, {0, -1}},
	WinogradFilter:     {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}},
	WinogradFilterGrad: {{1, 0.5, 0.5, 0}, {0, 0.5, -0.5, 0}, {0, 0.5, 0.5, 1}},
}

// Tiles is squares of vectors of N elements, Count in each of some Planes, and where their maps go. Element (r, s) of tile i of
// plane k begins at Src[From + r*SrcRow + SrcCol[s] + i*SrcTile + k*SrcPlane], and its result at
// Dst[r*DstRow + s*DstCol + i*DstTile + k*DstPlane]. Distances in Src may be negative.
type Tiles struct {
	Dst, Src                          []float32
	From                              int
	SrcRow                            int
	SrcCol                            [4]int
	SrcTile, SrcPlane                 int
	DstRow, DstCol, DstTile, DstPlane int
	N, Count, Planes                  int
}

// Columns are SrcCol of columns so far apart.
func Columns(apart int) [4]int { return [4]int{0, apart, 2 * apart, 3 * apart} }

// tiles is Tiles as assembly reads it: distances are in bytes, those of columns from the first one on. Next is that from the end
// of a tile's last vector to the next tile, plane that from where a tile after the last would be to the next plane.
type tiles struct {
	dst, src           *float32
	dstRow, dstCol     int
	srcRow             int
	srcCol             [3]int
	dstNext, srcNext   int
	dstPlane, srcPlane int
	n, count, planes   int
}

// Run maps the tiles. Results must not overlap sources.
func (t *Tiles) Run(m TileMap) {
	if t.N <= 0 || t.Count <= 0 || t.Planes <= 0 {
		return
	}
	t.check(m)
	const size, vector = 4, 16
	first, whole := t.SrcCol[0], roundUp(t.N, vector)
	c := tiles{dst: &t.Dst[0], src: &t.Src[t.From+first], dstRow: size * t.DstRow, dstCol: size * t.DstCol, srcRow: size * t.SrcRow,
		srcCol:  [3]int{size * (t.SrcCol[1] - first), size * (t.SrcCol[2] - first), size * (t.SrcCol[3] - first)},
		dstNext: size * (t.DstTile - whole), srcNext: size * (t.SrcTile - whole),
		dstPlane: size * (t.DstPlane - t.Count*t.DstTile), srcPlane: size * (t.SrcPlane - t.Count*t.SrcTile),
		n: t.N, count: t.Count, planes: t.Planes}
	if !mapTiles(m, &c) {
		t.generic(m)
	}
}

// check panics unless every element exists.
func (t *Tiles) check(m TileMap) {
	in, out := len(lines[m][0]), len(lines[m])
	columns := t.SrcCol[:in]
	low, high := t.From+slices.Min(columns), t.From+slices.Max(columns)+t.N-1
	for _, d := range [...]int{(in - 1) * t.SrcRow, (t.Count - 1) * t.SrcTile, (t.Planes - 1) * t.SrcPlane} {
		low, high = low+min(d, 0), high+max(d, 0)
	}
	end := (out-1)*(t.DstRow+t.DstCol) + (t.Count-1)*t.DstTile + (t.Planes-1)*t.DstPlane + t.N - 1
	if low < 0 || high >= len(t.Src) || min(t.DstRow, t.DstCol, t.DstTile, t.DstPlane) < 0 || end >= len(t.Dst) {
		panic(fmt.Sprintf("linalg: tiles from elements %d to %d of %d to element %d of %d", low, high, len(t.Src), end, len(t.Dst)))
	}
}

// generic is the portable twin of the assembly kernels.
func (t *Tiles) generic(m TileMap) {
	for k := range t.Planes {
		for i := range t.Count {
			for l := range t.N {
				t.square(lines[m], t.From+k*t.SrcPlane+i*t.SrcTile+l, k*t.DstPlane+i*t.DstTile+l)
			}
		}
	}
}

// square maps one element of each vector of a tile.
func (t *Tiles) square(line [][]float32, src, dst int) {
	var half [4][4]float32
	for s, column := range t.SrcCol[:len(line[0])] {
		for r, f := range line {
			sum := float32(0)
			for k, a := range f {
				sum += float32(a * t.Src[src+k*t.SrcRow+column])
			}
			half[r][s] = sum
		}
	}
	for r := range line {
		for s, f := range line {
			sum := float32(0)
			for k, a := range f {
				sum += float32(a * half[r][k])
			}
			t.Dst[dst+r*t.DstRow+s*t.DstCol] = sum
		}
	}
}
