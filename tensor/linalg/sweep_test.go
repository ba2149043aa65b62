package linalg

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/internal/cpu"
)

// everyLevel runs a test with each instruction set that has a kernel.
func everyLevel(t *testing.T, test func(t *testing.T, k Sweeper)) {
	for level := cpu.Generic; level <= cpu.Detected(); level++ {
		if kernels[level] == nil {
			continue
		}
		t.Run(level.String(), func(t *testing.T) {
			defer cpu.Limit(level)()
			test(t, NewSweeper())
		})
	}
}

func TestSweep(t *testing.T) {
	everyLevel(t, func(t *testing.T, k Sweeper) {
		rng := rand.New(rand.NewPCG(1, 2))
		lanes := k.Lanes()
		for range 200 {
			rows, cols, steps := 1+rng.IntN(k.kern.mr), 1+rng.IntN(5*lanes), rng.IntN(40)
			width := rows + rng.IntN(3)
			s := Sweep{A: random(rng, width*(steps+1)), ALane: 1, AStep: width, Rows: rows, B: random(rng, 1000),
				CRow: cols + rng.IntN(4), Cols: cols, Add: rng.IntN(2) == 0}
			for range steps {
				s.Steps = append(s.Steps, int32(rng.IntN(400)))
			}
			for range 2 * parts(cols, 2*lanes) {
				s.Starts = append(s.Starts, int32(rng.IntN(500)))
			}
			if rng.IntN(2) == 0 {
				s.RowBias = random(rng, rows)
			}
			c0 := random(rng, (rows-1)*s.CRow+cols)
			s.C = slices.Clone(c0)
			k.Run(&s)
			if err := s.verify(c0, lanes); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// verify compares C with sums in float64, and what lies between its rows with what was there.
func (s *Sweep) verify(c0 []float32, lanes int) error {
	for at, got := range s.C {
		want := float64(c0[at])
		if i, j := at/s.CRow, at%s.CRow; j < s.Cols {
			if !s.Add {
				want = 0
			}
			if s.RowBias != nil {
				want += float64(s.RowBias[i])
			}
			for k, step := range s.Steps {
				want += float64(s.A[i*s.ALane+k*s.AStep]) * float64(s.B[int(s.Starts[j/lanes]+step)+j%lanes])
			}
		}
		if math.Abs(float64(got)-want) > 1e-5 {
			return fmt.Errorf("%d rows, %d columns, %d steps: element %d is %v, want %v", s.Rows, s.Cols, len(s.Steps), at, got, want)
		}
	}
	return nil
}

func TestSweepRefusesShortSlices(t *testing.T) {
	k := NewSweeper()
	good := Sweep{A: make([]float32, 8), ALane: 1, AStep: 2, Rows: 2, B: make([]float32, 100), Steps: make([]int32, 4),
		Starts: make([]int32, 2), C: make([]float32, 6), CRow: 3, Cols: 3}
	k.Run(&good)
	for name, change := range map[string]func(s *Sweep){
		"A":      func(s *Sweep) { s.A = s.A[:7] },
		"C":      func(s *Sweep) { s.C = s.C[:5] },
		"rows":   func(s *Sweep) { s.Rows = 15 },
		"starts": func(s *Sweep) { s.Starts = s.Starts[:1] },
		"bias":   func(s *Sweep) { s.RowBias = make([]float32, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			bad := good
			change(&bad)
			k.Run(&bad)
		})
	}
}

func TestWeave(t *testing.T) {
	everyLevel(t, func(t *testing.T, k Sweeper) {
		rng := rand.New(rand.NewPCG(3, 4))
		lanes := k.Lanes()
		for range 200 {
			sources := 1 + rng.IntN(4)
			from := make([]int, 1+rng.IntN(lanes))
			for l := range from {
				from[l] = rng.IntN(sources*lanes+1) - 1
			}
			w := k.Weave(from)
			w.Rows, w.Planes = 1+rng.IntN(4), 1+rng.IntN(3)
			w.SrcRow, w.SrcPlane, w.DstRow, w.DstPlane = 20, 100, lanes+rng.IntN(5), 6*lanes+40
			for s := range w.Src {
				if rng.IntN(4) > 0 {
					w.Src[s] = random(rng, 300)
				}
			}
			dst := random(rng, 1000)
			want := slices.Clone(dst)
			for plane := range w.Planes {
				for row := range w.Rows {
					for l, at := range from {
						if at < 0 {
							continue
						}
						to := plane*w.DstPlane + row*w.DstRow + l
						if want[to] = 0; w.Src[at/lanes] != nil {
							want[to] = w.Src[at/lanes][plane*w.SrcPlane+row*w.SrcRow+at%lanes]
						}
					}
				}
			}
			w.Dst = dst
			w.Run()
			if !slices.Equal(dst, want) {
				t.Fatalf("lanes from %v of %d sources: wrong copy", from, sources)
			}
		}
	})
}

func TestWeaveCopy(t *testing.T) {
	everyLevel(t, func(t *testing.T, k Sweeper) {
		rng := rand.New(rand.NewPCG(5, 6))
		for count := 1; count < 70; count++ {
			w := k.Copy(count)
			src, dst := random(rng, 2000), random(rng, 2000)
			want := slices.Clone(dst)
			w.Rows, w.Planes, w.SrcRow, w.DstRow, w.SrcPlane, w.DstPlane = 3, 2, 75, 80, 400, 300
			for plane := range 2 {
				for row := range 3 {
					copy(want[plane*300+row*80:][:count], src[plane*400+row*75:])
				}
			}
			w.Dst, w.Src[0] = dst, src
			w.Run()
			if !slices.Equal(dst, want) {
				t.Fatalf("%d elements: wrong copy", count)
			}
		}
	})
}

func TestTranspose(t *testing.T) {
	everyLevel(t, func(t *testing.T, k Sweeper) {
		rng := rand.New(rand.NewPCG(7, 8))
		for range 100 {
			steps, lanes := 1+rng.IntN(40), 1+rng.IntN(40)
			lane, dstStep := steps+rng.IntN(3), lanes+rng.IntN(3)
			src, dst := random(rng, lanes*lane), random(rng, steps*dstStep)
			want := slices.Clone(dst)
			for l := range lanes {
				for s := range steps {
					want[s*dstStep+l] = src[l*lane+s]
				}
			}
			k.Transpose(dst, dstStep, src, lane, steps, lanes)
			if !slices.Equal(dst, want) {
				t.Fatalf("%d steps of %d lanes: wrong transpose", steps, lanes)
			}
		}
	})
}
