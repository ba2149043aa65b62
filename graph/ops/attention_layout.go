package ops

import "github.com/onnxtrain/onnxtrain/tensor"

// layout finds the vectors of a head in a tensor of 4-D [batch, heads, positions, size] or 3-D [batch, positions,
// heads*size].
type layout struct{ batch, head, position int }

func layoutOf(rank, heads, positions, size int) layout {
	if rank == 3 {
		return layout{positions * heads * size, size, heads * size}
	}
	return layout{heads * positions * size, positions * size, size}
}

func (l layout) at(batch, head, position int) int {
	return batch*l.batch + head*l.head + position*l.position
}

// unpacked is the keys or values in t as [batch, heads, positions, size].
func (a *attention) unpacked(t *tensor.Tensor, size int) []float64 {
	return a.join(nil, t, size)
}

// join is the keys or values in t behind those of the past, if there are some, as [batch, heads, positions, size].
func (a *attention) join(past, t *tensor.Tensor, size int) []float64 {
	before := 0
	if past != nil {
		before = past.Shape[2]
	}
	count := a.keys - before
	all, x := make([]float64, a.batch*a.kvHeads*a.keys*size), t.Float64s()
	from := layoutOf(len(t.Shape), a.kvHeads, count, size)
	for b := range a.batch {
		for h := range a.kvHeads {
			for j := range count {
				copy(all[((b*a.kvHeads+h)*a.keys+before+j)*size:][:size], x[from.at(b, h, j):])
			}
		}
	}
	if past == nil {
		return all
	}
	block := before * size
	for i, v := range past.Float64s() {
		all[i/block*a.keys*size+i%block] = v
	}
	return all
}

// packed puts what unpacked gives back into the layout of like.
func (a *attention) packed(x []float64, like *tensor.Tensor, size int) []float64 {
	to := layoutOf(len(like.Shape), a.kvHeads, a.keys, size)
	y := make([]float64, len(x))
	for b := range a.batch {
		for h := range a.kvHeads {
			for j := range a.keys {
				copy(y[to.at(b, h, j):][:size], x[((b*a.kvHeads+h)*a.keys+j)*size:])
			}
		}
	}
	return y
}
