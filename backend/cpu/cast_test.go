package cpu

import (
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Every type to every other, numbers that do not fit included.
func init() {
	numbers := map[tensor.DType]int{tensor.Float32: 1, tensor.Uint8: 2, tensor.Int8: 3, tensor.Uint16: 4, tensor.Int16: 5, tensor.Int32: 6,
		tensor.Int64: 7, tensor.Bool: 9, tensor.Float16: 10, tensor.Float64: 11, tensor.Uint32: 12, tensor.Uint64: 13, tensor.BFloat16Type: 16}
	values := op.Uniform(1, -300, 300, 17, 101).Float64s()
	copy(values, []float64{math.Inf(1), math.Inf(-1), math.NaN(), 0, 1e30, -1e30, 1 << 40, 70000, -70000, 0.5, -0.5})
	for from := range numbers {
		x := tensor.New(from, 17, 101)
		if from.IsFloat() {
			x.SetFloat64s(values)
		} else {
			wide := tensor.New(tensor.Int64, 17, 101)
			for i, v := range values {
				wide.I64()[i] = clampInt(v, -1<<62, 1<<62)
			}
			x.SetInt64s(wide.I64())
		}
		for to, number := range numbers {
			more("", "Cast", from.String()+" to "+to.String(), graph.MakeAttrs("to", number), x).opset = 13
		}
	}
}
