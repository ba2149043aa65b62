package cpu

import (
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

func init() {
	for _, typ := range []string{"Softsign", "HardSwish", "Mish", "HardSigmoid", "LeakyRelu", "ThresholdedRelu", "Shrink", "Elu", "Selu", "Celu", "Swish"} {
		forward := more("", typ, "two chunks", nil, op.Uniform(1, -9, 9, 17, 1001))
		forward.opset = 24
		more(op.Internal, typ+"Grad", "two chunks", nil, normal(1, 17, 1001), op.Uniform(2, -9, 9, 17, 1001))
	}
	more("", "Softplus", "two chunks", nil, op.Uniform(1, -30, 30, 17, 1001))
	more("", "Sign", "two chunks", nil, normal(1, 17, 1001))
	more("", "PRelu", "channels", nil, normal(1, 4, 16, 33, 17), op.Uniform(2, 0.1, 0.4, 16, 1, 1))
	more("", "PRelu", "features", nil, normal(1, 65, 130), op.Uniform(2, 0.1, 0.4, 130))
	more("", "PRelu", "number", nil, normal(1, 65, 130), op.Uniform(2, 0.1, 0.4, 1))
	for _, typ := range []string{"BiasGelu", "FastGelu"} {
		larger = append(larger, largerCall{domain: "com.microsoft", typ: typ, opset: 1,
			Sample: op.Sample{Name: "rows", In: []*tensor.Tensor{normal(1, 3, 65, 130), normal(2, 130)}}})
	}
}
