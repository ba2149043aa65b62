package ops

import (
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	binary("BitwiseAnd", integers, nil, func(x, y int64) int64 { return x & y }, nil, func() []op.Sample {
		return []op.Sample{
			example("broadcast", tensor.Vector[int32](2, 0), tensor.Vector[int32](6, -4), tensor.Scalar[int32](3)),
			example("uint64", tensor.Vector[uint64](1<<63), tensor.Vector[uint64](1<<63+1), tensor.Vector[uint64](1<<63+2)),
		}
	}, 18)
}
