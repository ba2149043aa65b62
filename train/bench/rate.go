package bench

import (
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// What can bound a node.
const (
	F32    = "f32"
	BF16   = "bf16"
	Memory = "memory"
)

// Rate is what a node does by its time, compared with what bounds it.
type Rate struct {
	GFLOPS float64 `json:"gflops,omitempty"`   // as FLOPs counts
	GBS    float64 `json:"gb_per_s,omitempty"` // as Bytes counts
	Limit  string  `json:"limit,omitempty"`    // F32, BF16 or Memory: what takes longest at the limits' rates
	// Share is the least time that the limit allows by the node's time. Above 1 are kernels that need fewer operations than
	// FLOPs counts, such as Winograd's convolutions.
	Share float64 `json:"share,omitempty"`
}

// clockNoise is nanoseconds below which a time says nothing, such as those of views, which do nothing.
const clockNoise = 1000

func (l *Limits) rate(n *graph.Node, nanoseconds float64) Rate {
	if nanoseconds < clockNoise {
		return Rate{}
	}
	flops, bytes := FLOPs(n), Bytes(n)
	r := Rate{GFLOPS: flops / nanoseconds, GBS: bytes / nanoseconds}
	peak, name := l.F32, F32
	if inHalf(n) {
		peak, name = l.BF16, BF16
	}
	computing, moving := flops/peak, bytes/l.bandwidth(bytes)
	switch least := max(computing, moving); {
	case least == 0:
	case computing == least:
		r.Limit, r.Share = name, least/nanoseconds
	default:
		r.Limit, r.Share = Memory, least/nanoseconds
	}
	return r
}

// inHalf reports whether a node reads bf16, and so may multiply in it.
func inHalf(n *graph.Node) bool {
	for _, v := range n.In {
		if v != nil && v.Type.DType == tensor.BFloat16Type {
			return true
		}
	}
	return false
}
