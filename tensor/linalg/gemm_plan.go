package linalg

// A plan cuts a product into tasks by its shape alone, never by the number of threads, so that every element of C
// sums the same terms in the same order on any machine with the same kernel.
//
// There are two ways. When the product is large, the smaller operand is packed once for all tasks (the shared one);
// a task then takes a chunk of lanes of the larger one, packs it block by block into its worker's cache and goes over
// the whole shared operand: either operand is packed once, and the loop synchronizes twice. When there is a batch
// of products, or one whose C is small, each task packs both operands for itself; if k is long it is cut in segments
// whose partial sums are added in order at the end.
type plan struct {
	kern           *kernel
	count, m, n, k int

	kb             int // steps of k per block: a kernel call sums so many in registers
	tm, tn         int // rows and columns of C of a task
	mTiles, nTiles int

	shared   sharedOperand
	sharedK  int // steps of k that the shared operand is packed for at once
	segments int // private tasks: parts of k
	segment  int
}

type sharedOperand int

const (
	sharedNone sharedOperand = iota
	sharedA
	sharedB
)

const (
	privateStrips = 16      // strips of either operand of a task, of which a block of kc stays in a 1 MB L2 cache
	sectionLanes  = 1024    // lanes of the shared operand: what a packed element of the other one is used for
	sharedFloats  = 1 << 18 // elements of the shared operand packed at once: 1 MB, which stays in the L2 cache
	wantTasks     = 16      // private ones: enough for an even load, and k is not cut for more
	wantChunks    = 64      // of the operand that is not shared: the last worker to end is late by a chunk at most
	taskWork      = 1 << 20 // multiplications that are worth waking a worker
	smallWork     = 2 << 20 // multiplications under which one thread is faster
	batchWork     = 32 << 20
	splitTile     = 1 << 17 // elements of C up to which k is worth splitting
	splitK        = 2048    // steps of k in a segment, at least
)

func planGemm(kern *kernel, count, m, n, k int) plan {
	pl := plan{kern: kern, count: count, m: m, n: n, k: k, segments: 1, segment: k}
	pl.kb = evenPart(k, kern.kc, 8)
	mnk := m * n * k
	switch {
	case m*n <= splitTile && k >= 2*splitK:
		pl.private()
		if tasks := pl.tasks(); tasks < wantTasks {
			pl.segment = evenPart(k, max(k*tasks/wantTasks, splitK), pl.kb)
			pl.segments = parts(k, pl.segment)
		}
	case mnk <= smallWork, count > 1 && mnk <= batchWork:
		pl.private()
	case m >= n:
		pl.shared = sharedB
		pl.tm = chunk(m, n*k, kern.mr)
		pl.tn = evenPart(n, sectionLanes, kern.nr)
	default:
		pl.shared = sharedA
		pl.tn = chunk(n, m*k, kern.nr)
		pl.tm = evenPart(m, sectionLanes, kern.mr)
	}
	pl.mTiles, pl.nTiles = parts(m, pl.tm), parts(n, pl.tn)
	if pl.kb > 0 {
		pl.sharedK = max(sharedFloats/max(pl.sharedLanes(), 1)/pl.kb, 1) * pl.kb
	}
	return pl
}

func (pl *plan) private() {
	pl.tm = evenPart(pl.m, privateStrips*pl.kern.mr, pl.kern.mr)
	pl.tn = evenPart(pl.n, privateStrips*pl.kern.nr, pl.kern.nr)
	pl.mTiles, pl.nTiles = parts(pl.m, pl.tm), parts(pl.n, pl.tn)
}

// tasks is the number of private tasks.
func (pl *plan) tasks() int { return pl.count * pl.segments * pl.mTiles * pl.nTiles }

// grain is how many private tasks a worker takes at once, when they are small.
func (pl *plan) grain() int {
	work := pl.tm * pl.tn * pl.segment
	return max(min(taskWork/max(work, 1), pl.tasks()/wantTasks), 1)
}

// sharedLanes is the padded number of lanes of the shared operand that are packed at once.
func (pl *plan) sharedLanes() int {
	switch pl.shared {
	case sharedA:
		return pl.tm
	case sharedB:
		return pl.tn
	}
	return 0
}

// chunk is the number of lanes a task takes of the operand that is not shared, in whole strips: few enough for
// wantChunks tasks, enough for taskWork, at most what a cache holds.
func chunk(lanes, perLane, strip int) int {
	c := max(lanes/wantChunks, taskWork/max(perLane, 1), 1)
	return min(roundUp(c, strip), privateStrips*strip, roundUp(lanes, strip))
}

// evenPart cuts n into the fewest parts of at most limit, makes them as even as multiples of unit allow and gives the
// size of one; limit should be a multiple of unit.
func evenPart(n, limit, unit int) int {
	count := parts(n, limit)
	if count == 0 {
		return 0
	}
	return roundUp((n+count-1)/count, unit)
}

func parts(n, size int) int {
	if n == 0 {
		return 0
	}
	return (n + size - 1) / size
}

func roundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// cacheLine is in elements: regions of scratch begin on a line of their own, which keeps vector loads whole and workers apart.
const cacheLine = 16

func (pl *plan) sharedSize() int { return roundUp(pl.sharedLanes()*min(pl.k, pl.sharedK), cacheLine) }

func (pl *plan) leftSize() int {
	if pl.shared == sharedA {
		return 0
	}
	return roundUp(pl.tm*min(pl.k, pl.kb), cacheLine)
}

func (pl *plan) rightSize() int {
	if pl.shared == sharedB {
		return 0
	}
	return roundUp(pl.tn*min(pl.k, pl.kb), cacheLine)
}

func (pl *plan) partialSize() int {
	if pl.segments == 1 {
		return 0
	}
	return roundUp(pl.count*pl.segments*pl.m*pl.n, cacheLine)
}

// work is the scratch of a run: the shared operand, partial sums, and a left and a right block for each worker.
func (pl *plan) work(threads int) int {
	return cacheLine + pl.sharedSize() + pl.partialSize() + threads*(pl.leftSize()+pl.rightSize())
}
