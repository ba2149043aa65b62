package cpu

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/onnxtrain/onnxtrain/tensor"
)

func drawShape(t *rapid.T, most int) tensor.Shape {
	shape := tensor.Shape(rapid.SliceOfN(rapid.IntRange(1, 40), 0, 5).Draw(t, "shape"))
	for d := range shape {
		if shape.Elems() > most {
			shape[d] = rapid.IntRange(1, 3).Draw(t, "smaller")
		}
	}
	return shape
}

// each index of a box, outermost first.
func eachIndex(shape tensor.Shape, f func(index []int)) {
	index := make([]int, len(shape))
	for range shape.Elems() {
		f(index)
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
}

func at(index, strides []int) int {
	sum := 0
	for d, i := range index {
		sum += i * strides[d]
	}
	return sum
}

func TestMoveTakesAnyStrides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shape := drawShape(t, 50000)
		perm := rapid.Permutation(identity(len(shape))).Draw(t, "permutation")
		source := make(tensor.Shape, len(shape))
		for d, p := range perm {
			source[p] = shape[d]
		}
		strides := make([]int, len(shape))
		first := 0
		for d, p := range perm {
			strides[d] = source.Strides()[p]
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0:
				strides[d] = 0
			case 1:
				first += strides[d] * (shape[d] - 1)
				strides[d] = -strides[d]
			}
		}
		dt := rapid.SampledFrom([]tensor.DType{tensor.Uint8, tensor.Uint16, tensor.Float32, tensor.Int64}).Draw(t, "type")
		x, y := tensor.New(dt, source...), tensor.New(dt, shape...)
		for i := range x.Data {
			x.Data[i] = byte(i*i + i>>8)
		}
		bindMove(nil, shape, whole(y), box{x, first, strides})()
		size, to := dt.Size(), shape.Strides()
		eachIndex(shape, func(index []int) {
			a, b := at(index, to)*size, (first+at(index, strides))*size
			if string(y.Data[a:a+size]) != string(x.Data[b:b+size]) {
				t.Fatalf("element %v differs", index)
			}
		})
	})
}

func identity(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	return p
}

func TestReductionTakesAnyAxes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shape := drawShape(t, 100000)
		kept := shape.Clone()
		for d := range kept {
			if rapid.Bool().Draw(t, "reduced") {
				kept[d] = 1
			}
		}
		f := rapid.SampledFrom([]reducer{sumReducer, meanReducer, maxReducer}).Draw(t, "function")
		x, y := normal(1, shape...), tensor.New(tensor.Float32, kept...)
		r := newReduction(f, shape, kept)
		_ = r.bind(vectorOf(x), y.F32(), Scratch{Mem: tensor.New(tensor.Uint8, r.scratch(1)).Data})()
		want, seen := make([]float64, kept.Elems()), make([]bool, kept.Elems())
		strides, all := kept.BroadcastStrides(shape), shape.Strides()
		eachIndex(shape, func(index []int) {
			i, v := at(index, strides), float64(x.F32()[at(index, all)])
			if seen[i] {
				v = f.join(want[i], v)
			}
			want[i], seen[i] = v, true
		})
		for i, v := range y.F32() {
			w := want[i]
			if f.mean {
				w *= float64(kept.Elems()) / float64(shape.Elems())
			}
			if math.Abs(float64(v)-w) > 1e-4+1e-5*math.Abs(w) {
				t.Fatalf("%v to %v: element %d is %v, want %v", shape, kept, i, v, w)
			}
		}
	})
}
