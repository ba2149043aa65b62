package data

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// Split divides ds into two views, the second with fraction of the examples, drawn by seed: two openings of one SPEC
// split the same way. Either view closes ds. Both parts have at least one example when ds has two.
func Split(ds Dataset, fraction float64, seed uint64) (train, val Dataset) {
	n := ds.Len()
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	const splitStream = 1 << 63 // an epoch that no training reaches
	NewRand(seed, splitStream, 0).shuffle(order)
	held := int(float64(n)*fraction + 0.5)
	if n >= 2 {
		held = max(1, min(held, n-1))
	}
	held = max(0, min(held, n))
	slices.Sort(order[:held])
	slices.Sort(order[held:])
	return &subset{ds, order[held:]}, &subset{ds, order[:held]}
}

// subset is some examples of a data set, in its order.
type subset struct {
	Dataset
	index []int
}

func (s *subset) Len() int { return len(s.index) }

func (s *subset) Read(i int, r *Rand, dst []*tensor.Tensor) error {
	return s.Dataset.Read(s.index[i], r, dst)
}

func (s *subset) Transform() string {
	if d, ok := s.Dataset.(Described); ok {
		return d.Transform()
	}
	return ""
}

func (s *subset) ClassNames() []string {
	if d, ok := s.Dataset.(Described); ok {
		return d.ClassNames()
	}
	return nil
}
