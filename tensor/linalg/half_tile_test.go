package linalg

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/pprof"
	"sync"
	"testing"
)

// tileOf makes a tile whose blocks lie anywhere, at odd elements too, and whose slices end with the last element that counts.
func tileOf(rng *rand.Rand, rows, cols, steps, blocks int) *HalfTile {
	t := &HalfTile{Steps: steps, Rows: rows, Cols: cols, Clear: rng.IntN(2) == 0,
		ARow: steps + rng.IntN(9), BRow: 2*HalfCols + rng.IntN(9), CRow: cols + rng.IntN(9)}
	panels := parts(cols, HalfCols)
	t.BPanel = steps/2*t.BRow + rng.IntN(9)
	if rng.IntN(2) == 0 { // columns one after the other
		t.BPanel, t.BRow = 2*HalfCols, 2*HalfCols*panels+rng.IntN(9)
	}
	a, b := 0, 0
	for range blocks {
		t.AAt = append(t.AAt, rng.IntN(100))
		t.BAt = append(t.BAt, rng.IntN(100))
		a = max(a, t.AAt[len(t.AAt)-1]+(rows-1)*t.ARow+steps)
		for p := range panels {
			b = max(b, t.BAt[len(t.BAt)-1]+p*t.BPanel+(steps/2-1)*t.BRow+2*min(cols-p*HalfCols, HalfCols))
		}
	}
	t.A, t.B = randomHalf(rng, a), randomHalf(rng, b)
	t.C = random(rng, (rows-1)*t.CRow+cols)
	return t
}

// sum is an element in float64 and, for the tolerance, the sum of the absolute values of its terms.
func (t *HalfTile) sum(i, j int) (want, size float64) {
	if !t.Clear {
		want = float64(t.C[i*t.CRow+j])
		size = math.Abs(want)
	}
	for block, at := range t.AAt {
		for k := range t.Steps {
			x := float64(widenOne(t.A[at+i*t.ARow+k])) *
				float64(widenOne(t.B[t.BAt[block]+j/HalfCols*t.BPanel+k/2*t.BRow+2*(j%HalfCols)+k%2]))
			want += x
			size += math.Abs(x)
		}
	}
	return want, size
}

func checkTile(t *testing.T, tile *HalfTile) {
	t.Helper()
	c0 := append([]float32(nil), tile.C...)
	want, size := make([]float64, len(c0)), make([]float64, len(c0))
	for i := range tile.Rows {
		for j := range tile.Cols {
			want[i*tile.CRow+j], size[i*tile.CRow+j] = tile.sum(i, j)
		}
	}
	tile.Run()
	for at, got := range tile.C {
		if at%max(tile.CRow, 1) >= tile.Cols {
			if math.Float32bits(got) != math.Float32bits(c0[at]) {
				t.Fatalf("element %d is not in C and was written", at)
			}
			continue
		}
		if tol := tolerance(tile.Steps*len(tile.AAt)) * size[at]; !(math.Abs(float64(got)-want[at]) <= tol) {
			t.Fatalf("C[%d,%d] is %v, want %v ± %v", at/tile.CRow, at%tile.CRow, got, want[at], tol)
		}
	}
}

func TestHalfTile(t *testing.T) {
	allLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 3))
		for rows := 1; rows <= HalfRows; rows++ {
			for _, cols := range []int{1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 48, 49, 64, 65, 100, 130} {
				steps := 16 << rng.IntN(2)
				blocks := rng.IntN(4)
				t.Run(fmt.Sprint(rows, cols, steps, blocks), func(t *testing.T) { checkTile(t, tileOf(rng, rows, cols, steps, blocks)) })
			}
		}
		for _, steps := range []int{16, 32} {
			t.Run(fmt.Sprint("long", steps), func(t *testing.T) { checkTile(t, tileOf(rng, 27, 70, steps, 40)) })
		}
	})
}

// NaN and infinities reach their row and column and no other one; a step of 0 does not hide them.
func TestHalfTileKeepsNaN(t *testing.T) {
	allLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(4, 4))
		const rows, cols, nan, inf = 32, 64, 0x7fc0, 0x7f80
		for range 200 {
			tile := tileOf(rng, rows, cols, 32, 2)
			clear(tile.A)
			clear(tile.B)
			clear(tile.C)
			i, j, k, special := rng.IntN(rows), rng.IntN(cols), rng.IntN(32), []uint16{nan, inf}[rng.IntN(2)]
			left := rng.IntN(2) == 0
			tile.AAt, tile.BAt = []int{0, 0}, []int{0, 0}
			if left {
				tile.A[i*tile.ARow+k] = special
			} else {
				tile.B[j/HalfCols*tile.BPanel+k/2*tile.BRow+2*(j%HalfCols)+k%2] = special
			}
			tile.Run()
			for r := range rows {
				for c := range cols {
					got := tile.C[r*tile.CRow+c]
					if isNaN := got != got; isNaN != (left && r == i || !left && c == j) {
						t.Fatalf("C[%d,%d] is %v with %#x in row %d, column %d (left %v)", r, c, got, special, i, j, left)
					}
				}
			}
		}
	})
}

// C that is to be overwritten may hold anything.
func TestHalfTileClearsNaN(t *testing.T) {
	allLevels(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 5))
		for _, blocks := range []int{0, 1, 5, 20} {
			tile := tileOf(rng, 19, 45, 32, blocks)
			tile.Clear, tile.CRow = true, tile.Cols
			tile.C = tile.C[:tile.Rows*tile.Cols]
			for i := range tile.C {
				tile.C[i] = float32(math.NaN())
			}
			checkTile(t, tile)
		}
	})
}

func TestHalfTileRefusesWrongShapes(t *testing.T) {
	for name, change := range map[string]func(*HalfTile){
		"rows":     func(t *HalfTile) { t.Rows = 33 },
		"negative": func(t *HalfTile) { t.ARow = -1 },
		"steps":    func(t *HalfTile) { t.Steps = 24 },
		"blocks":   func(t *HalfTile) { t.AAt = t.AAt[1:] },
		"short A":  func(t *HalfTile) { t.A = t.A[1:] },
		"short B":  func(t *HalfTile) { t.B = t.B[1:] },
		"short C":  func(t *HalfTile) { t.C = t.C[1:] },
		"offset":   func(t *HalfTile) { t.AAt[0] = -1 },
		"overflow": func(t *HalfTile) { t.BAt[1] = math.MaxInt - 3 },
	} {
		t.Run(name, func(t *testing.T) {
			tile := tileOf(rand.New(rand.NewPCG(6, 6)), 32, 40, 32, 3)
			change(tile)
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			tile.Run()
		})
	}
}

// Signals, the collector and other goroutines on the same processors come between and change nothing: what is live inside of
// a call, the tiles of AMX above all, is the thread's own.
func TestHalfTileBetweenSignals(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	stop, profiled := make(chan struct{}), make(chan struct{})
	var profile bytes.Buffer
	if err := pprof.StartCPUProfile(&profile); err != nil {
		t.Skip(err)
	}
	go func() {
		defer close(profiled)
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	var wg sync.WaitGroup
	for range 4 {
		tile := tileOf(rng, 32, 512, 32, 16)
		tile.Clear = true
		tile.Run()
		want := append([]float32(nil), tile.C...)
		wg.Go(func() {
			for range 200 {
				tile.Run()
				for i, v := range tile.C {
					if math.Float32bits(v) != math.Float32bits(want[i]) {
						t.Errorf("element %d is %v, was %v", i, v, want[i])
						return
					}
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	<-profiled
	pprof.StopCPUProfile()
}
