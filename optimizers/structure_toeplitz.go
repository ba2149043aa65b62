package optimizers

// toeplitz packs triangular matrices whose entry depends on the distance from the diagonal alone.
type toeplitz[T number] struct {
	d     int
	lower bool
}

func (p toeplitz[T]) layout() layout {
	l := layout{size: p.d, diagonal: []int{0}}
	for i := range p.d {
		l.counts = append(l.counts, float64(p.d-i))
	}
	return l
}

// at is the position of the entry at distance k in row or column i.
func (p toeplitz[T]) at(i, k int) int {
	if p.lower {
		return (i+k)*p.d + i
	}
	return i*p.d + i + k
}

func (p toeplitz[T]) expand(k, matrix []T) {
	clear(matrix)
	for dist, x := range k {
		for i := range p.d - dist {
			matrix[p.at(i, dist)] = x
		}
	}
}

func (p toeplitz[T]) pack(matrix, k []T) {
	for dist := range k {
		k[dist] = matrix[p.at(0, dist)]
	}
}

func (p toeplitz[T]) project(symmetric, k []T) {
	for dist := range k {
		sum := 0.0
		for i := range p.d - dist {
			sum += float64(symmetric[p.at(i, dist)])
		}
		if dist > 0 {
			sum *= 2
		}
		k[dist] = T(sum / float64(p.d-dist))
	}
}
