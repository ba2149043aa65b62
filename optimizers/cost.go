package optimizers

import "github.com/onnxtrain/onnxtrain/registry"

// elementwise is the cost of an update that takes so many operations an element, and no scratch memory.
func elementwise(ps []registry.ParamInfo, operations float64) registry.Cost {
	return registry.Cost{FLOPs: operations * float64(elements(ps))}
}

func elements(ps []registry.ParamInfo) int {
	n := 0
	for _, p := range ps {
		n += p.Shape.Elems()
	}
	return n
}
