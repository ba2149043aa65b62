package linalg

const (
	backWidth = 2 * strip64 // reflectors of a block
	backRows  = 64          // eigenvectors that a task transforms: they stay in the second cache
)

// eigenBack applies the reflectors to eigenvectors of the tridiagonal matrix, block by block in the compact form
// I - V·Tᵀ·Vᵀ for vectors that are rows. Blocks lie in s one after the other: V, packed for the product with the
// vectors, then Tᵀ·Vᵀ, packed for the update.
type eigenBack struct {
	*eigenSolver
	out                 []float64
	blockBody, rowsBody func(worker, lo, hi int)
}

func (b *eigenBack) bind(s *eigenSolver) {
	b.eigenSolver = s
	b.blockBody, b.rowsBody = b.setBlocks, b.transform
}

func (b *eigenBack) run(out []float64) {
	b.out = out
	b.pool.For(b.blocks(), 1, b.blockBody)
	b.pool.For(b.n, backRows, b.rowsBody)
}

func (b *eigenBack) blocks() int { return parts(b.n-1, backWidth) }

// block is the memory of block i: packed V and Tᵀ·Vᵀ, and the number of columns from the block's first on.
func (b *eigenBack) block(i int) (v, tv []float64, length int) {
	at := 0
	for j := range i {
		length = b.np - j*backWidth
		at += backWidth * (length + roundUp(length, strip64))
	}
	length = b.np - i*backWidth
	v = b.s[at:][:backWidth*length]
	return v, b.s[at+len(v):][:backWidth*roundUp(length, strip64)], length
}

func (b *eigenBack) setBlocks(_, lo, hi int) {
	for i := lo; i < hi; i++ {
		b.setBlock(i)
	}
}

// setBlock packs a block of reflectors, which are clean rows of a: zero up to the diagonal.
func (b *eigenBack) setBlock(i int) {
	v, tv, length := b.block(i)
	first := i * backWidth
	count := min(backWidth, length)
	clear(v)
	for k := range count {
		row := b.a[(first+k)*b.ld+first:][:length]
		lane := v[k/strip64*strip64*length+k%strip64:]
		for j, x := range row {
			lane[j*strip64] = x
		}
	}
	var gram, t [backWidth * backWidth]float64
	b.setGram(gram[:], v, length)
	triangle(&t, &gram, b.tau[first:min(first+count, b.n)])
	c := tile64{aLane: 1, aStep: backWidth, bStep: b.ld, cRow: strip64, k: count, alpha: 1}
	for col := 0; col < length; col += strip64 {
		c.vectors = min(strip64, length-col) / lanes64
		c.b = b.a[first*b.ld+first+col:]
		for row := 0; row < backWidth; row += lanes64 {
			c.a, c.c = t[row:], tv[col*backWidth+row*strip64:]
			b.isa.multiply(&c)
		}
	}
}

// setGram computes Vᵀ·V of packed V.
func (b *eigenBack) setGram(gram, v []float64, length int) {
	c := tile64{aLane: 1, aStep: strip64, bStep: strip64, cRow: backWidth, k: length, vectors: 3, alpha: 1}
	for row := 0; row < backWidth; row += lanes64 {
		for col := 0; col < backWidth; col += strip64 {
			c.a, c.b = v[row/strip64*strip64*length+row%strip64:], v[col*length:]
			c.c = gram[row*backWidth+col:]
			b.isa.multiply(&c)
		}
	}
}

// triangle sets the upper triangular t of I - V·T·Vᵀ, the product of the reflectors I - tau·v·vᵀ, from gram = Vᵀ·V.
func triangle(t, gram *[backWidth * backWidth]float64, tau []float64) {
	for j, scale := range tau {
		for i := range j {
			sum := 0.0
			for k := i; k < j; k++ {
				sum += t[i*backWidth+k] * gram[k*backWidth+j]
			}
			t[i*backWidth+j] = -scale * sum
		}
		t[j*backWidth+j] = scale
	}
}

// transform applies all blocks, the last one first, to some of the eigenvectors in their final order.
func (b *eigenBack) transform(_, lo, hi int) {
	rows := roundUp(hi-lo, lanes64)
	x := b.q[1][lo*b.ld:]
	for j := range hi - lo {
		copy(x[j*b.ld:][:b.np], b.q[0][b.order[lo+j]*b.ld:])
	}
	for j := hi - lo; j < rows; j++ {
		clear(x[j*b.ld:][:b.np])
	}
	var products [backRows * backWidth]float64
	for i := b.blocks() - 1; i >= 0; i-- {
		b.apply(x, rows, i, products[:])
	}
	for j := range hi - lo {
		copy(b.out[(lo+j)*b.n:][:b.n], x[j*b.ld:])
	}
}

// apply multiplies rows of x by block i: x - (x·V)·(Tᵀ·Vᵀ).
func (b *eigenBack) apply(x []float64, rows, i int, products []float64) {
	v, tv, length := b.block(i)
	x = x[i*backWidth:]
	t := tile64{aLane: b.ld, aStep: 1, bStep: strip64, cRow: backWidth, vectors: 3, alpha: 1}
	for step := 0; step < length; step += stepBlock {
		t.k = min(stepBlock, length-step)
		for col := 0; col < backWidth; col += strip64 {
			t.b = v[col*length+step*strip64:]
			for row := 0; row < rows; row += lanes64 {
				t.a, t.c = x[row*b.ld+step:], products[row*backWidth+col:]
				b.isa.multiply(&t)
			}
		}
		t.beta = 1
	}
	t = tile64{aLane: backWidth, aStep: 1, bStep: strip64, cRow: b.ld, k: backWidth, alpha: -1, beta: 1}
	for col := 0; col < length; col += strip64 {
		t.vectors = min(strip64, length-col) / lanes64
		t.b = tv[col*backWidth:]
		for row := 0; row < rows; row += lanes64 {
			t.a, t.c = products[row*backWidth:], x[row*b.ld+col:]
			b.isa.multiply(&t)
		}
	}
}
