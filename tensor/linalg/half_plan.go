package linalg

// halfPlan cuts a product into tasks by its shape alone, as plan does. A task computes a rectangle of C from a B that is
// packed for it in whole panels, by itself or once for all tasks, and an A whose rows it packs, 32 at a time, right before
// they are used, unless they are shared or can be used in place.
type halfPlan struct {
	count, m, n, k int

	steps          int // of a block of HalfTile
	tm, tn         int // rows and columns of C of a task
	mTiles, nTiles int

	shared   sharedOperand
	part     int // steps of k that operands are packed for at once
	segments int // private tasks: parts of k, whose partial sums are added at the end
}

const (
	halfBlock     = 256     // steps of k for which a row of panels is computed: with them, 32 rows of A stay in the first cache
	halfSection   = 640     // lanes of the shared operand, at most
	halfShared    = 5 << 17 // elements of the shared operand packed at once: 1.25 MB
	halfPrivate   = 1 << 18 // elements of a B that a task packs for itself
	halfTileRows  = 512     // rows of a task, at most
	halfTileCols  = 256     // columns of a task that packs B for itself, at most
	halfSegment   = 8192    // steps of a segment of k, at most
	halfTaskWork  = 4 << 20 // multiplications that are worth waking a worker
	halfBatchWork = 64 << 20
)

func planHalf(count, m, n, k int) halfPlan {
	pl := halfPlan{count: count, m: m, n: n, k: k, steps: HalfSteps, segments: 1, part: k}
	if k <= HalfSteps/2 {
		pl.steps = HalfSteps / 2
	}
	work := m * n * k
	switch {
	case m*n <= splitTile && k >= 2*splitK:
		pl.private(splitK)
		pl.part = evenPart(k, max(min(k*pl.tasks()/wantTasks, halfSegment)/halfBlock*halfBlock, splitK), halfBlock)
		pl.segments = parts(k, pl.part)
	case work <= halfTaskWork, count > 1 && work <= halfBatchWork:
		pl.private(k)
	case m >= n:
		pl.shared = sharedB
		pl.tn = evenPart(n, halfSection, HalfCols)
		pl.part = pl.sharedPart(pl.tn)
		pl.tm = halfChunk(m, n*k, HalfRows, halfTileRows)
	default:
		pl.shared = sharedA
		pl.tm = evenPart(m, halfSection, HalfRows)
		pl.part = pl.sharedPart(pl.tm)
		pl.tn = halfChunk(n, m*k, HalfCols, pl.privateCols(pl.part))
	}
	pl.mTiles, pl.nTiles = parts(m, pl.tm), parts(n, pl.tn)
	return pl
}

// private sets tiles for tasks that pack B for so many steps of k.
func (pl *halfPlan) private(k int) {
	pl.tm = evenPart(pl.m, halfTileRows, HalfRows)
	pl.tn = evenPart(pl.n, pl.privateCols(k), HalfCols)
	pl.mTiles, pl.nTiles = parts(pl.m, pl.tm), parts(pl.n, pl.tn)
}

func (pl *halfPlan) privateCols(k int) int {
	return min(max(halfPrivate/max(k, 1)&^(HalfCols-1), HalfCols), halfTileCols)
}

func (pl *halfPlan) sharedPart(lanes int) int {
	return evenPart(pl.k, max(halfShared/max(lanes, 1)/halfBlock*halfBlock, halfBlock), halfBlock)
}

// halfChunk is chunk for the tasks of this plan.
func halfChunk(lanes, perLane, unit, limit int) int {
	c := max(lanes/wantTasks, halfTaskWork/max(perLane, 1), 1)
	return min(roundUp(c, unit), limit, roundUp(lanes, unit))
}

// tasks is the number of private tasks.
func (pl *halfPlan) tasks() int { return pl.count * pl.segments * pl.mTiles * pl.nTiles }

// grain is how many private tasks a worker takes at once, when they are small.
func (pl *halfPlan) grain() int {
	work := pl.tm * pl.tn * pl.part
	return max(min(halfTaskWork/max(work, 1), pl.tasks()/wantTasks), 1)
}

// padded is a number of steps in whole blocks.
func (pl *halfPlan) padded(k int) int { return roundUp(k, pl.steps) }

// sharedRow is the distance of rows of a shared A. A multiple of 2 kB would have all rows compete for the same places of the
// first cache.
func (pl *halfPlan) sharedRow() int { return roundUp(pl.part, pl.steps) + HalfSteps }

// Sizes of scratch are in float32s.

func (pl *halfPlan) sharedSize() int {
	switch pl.shared {
	case sharedA:
		return roundUp(pl.tm*pl.sharedRow(), 2*cacheLine) / 2
	case sharedB:
		return roundUp(pl.tn, HalfCols) * pl.padded(pl.part) / 2
	}
	return 0
}

// partialSize is that of sums of segments, or of sums that wait for the next part of k where C cannot hold them.
func (pl *halfPlan) partialSize() int {
	switch {
	case pl.segments > 1:
		return roundUp(pl.count*pl.segments*pl.m*pl.n, cacheLine)
	case pl.shared != sharedNone && pl.part < pl.k:
		return roundUp(pl.m*pl.n, cacheLine)
	}
	return 0
}

// leftSize is that of 32 rows of A; staging has the same.
func (pl *halfPlan) leftSize() int { return HalfRows * min(pl.padded(pl.k), halfBlock) / 2 }

func (pl *halfPlan) rightSize() int {
	if pl.shared == sharedB {
		return 0
	}
	return roundUp(pl.tn, HalfCols) * pl.padded(pl.part) / 2
}

// sumRow is the distance of rows of sums.
func (pl *halfPlan) sumRow() int { return roundUp(pl.tn, cacheLine) + cacheLine }

// sumSize is that of 32 rows of sums and one more, into which elements of C are widened.
func (pl *halfPlan) sumSize() int { return (HalfRows + 1) * pl.sumRow() }

func (pl *halfPlan) privateSize() int { return 2*pl.leftSize() + pl.rightSize() + pl.sumSize() }

func (pl *halfPlan) work(threads int) int {
	return cacheLine + pl.sharedSize() + pl.partialSize() + threads*pl.privateSize()
}
