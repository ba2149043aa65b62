package linalg

import (
	"unsafe"

	"github.com/onnxtrain/onnxtrain/internal/par"
)

// job is a run in progress. Its loop bodies are method values bound once, and jobs are kept for reuse, so that a run allocates
// nothing.
type job struct {
	call GemmCall
	plan plan
	pool *par.Pool

	shared, partial, private []float32

	// The part of a product that shared tasks are in.
	batch, lane0, k0, k1 int

	packBody, sharedBody, privateBody, reduceBody func(worker, lo, hi int)
}

// idle keeps jobs for reuse; unlike a sync.Pool it survives garbage collection.
var idle = make(chan *job, 64)

func newJob() *job {
	select {
	case j := <-idle:
		return j
	default:
	}
	j := new(job)
	j.packBody, j.sharedBody, j.privateBody, j.reduceBody = j.packTask, j.sharedTask, j.privateTask, j.reduceTask
	return j
}

func (j *job) release() {
	j.call, j.pool = GemmCall{}, nil
	j.shared, j.partial, j.private = nil, nil, nil
	select {
	case idle <- j:
	default:
	}
}

func (j *job) run(work []float32) {
	pl := &j.plan
	work = work[misaligned(work):]
	j.shared, work = cut(work, pl.sharedSize())
	j.partial, j.private = cut(work, pl.partialSize())
	if pl.shared != sharedNone {
		j.runShared()
		return
	}
	j.pool.For(pl.tasks(), pl.grain(), j.privateBody)
	if pl.segments > 1 {
		j.pool.For(pl.count*pl.m, parts(reduceGrain, pl.n), j.reduceBody)
	}
}

// reduceGrain is the number of elements of C for which a task adds partial sums.
const reduceGrain = 4096

func (j *job) runShared() {
	pl := &j.plan
	lanes, strip, chunks := pl.m, pl.kern.mr, pl.nTiles
	if pl.shared == sharedB {
		lanes, strip, chunks = pl.n, pl.kern.nr, pl.mTiles
	}
	for j.batch = range pl.count {
		for j.lane0 = 0; j.lane0 < lanes; j.lane0 += pl.sharedLanes() {
			for j.k0 = 0; j.k0 < pl.k; j.k0 += pl.sharedK {
				j.k1 = min(j.k0+pl.sharedK, pl.k)
				j.pool.For(parts(j.k1-j.k0, pl.kb)*parts(pl.sharedLanes(), packGrain*strip), 1, j.packBody)
				j.pool.For(chunks, 1, j.sharedBody)
			}
		}
	}
}

// packGrain is the number of strips that a task packs of a block of the shared operand.
const packGrain = 4

// packTask packs some lanes of some blocks of the shared operand, which lies block after block.
func (j *job) packTask(_, lo, hi int) {
	pl := &j.plan
	lanes, strip := pl.m, pl.kern.mr
	if pl.shared == sharedB {
		lanes, strip = pl.n, pl.kern.nr
	}
	grain := packGrain * strip
	sections := parts(pl.sharedLanes(), grain)
	for task := lo; task < hi; task++ {
		k0 := j.k0 + task/sections*pl.kb
		k1 := min(k0+pl.kb, j.k1)
		first := task % sections * grain
		i0 := j.lane0 + first
		i1 := min(i0+grain, j.lane0+pl.sharedLanes(), lanes)
		if i0 >= i1 {
			continue
		}
		dst := j.shared[(k0-j.k0)*pl.sharedLanes()+first*(k1-k0):]
		dst = dst[:roundUp(i1-i0, strip)*(k1-k0)]
		if pl.shared == sharedA {
			j.packLeft(dst, j.batch, k0, k1, i0, i1)
		} else {
			j.packRight(dst, j.batch, k0, k1, i0, i1)
		}
	}
}

// sharedTask multiplies a chunk of one operand by all of the shared one that is packed.
func (j *job) sharedTask(worker, lo, hi int) {
	pl := &j.plan
	for task := lo; task < hi; task++ {
		t := tile{batch: j.batch, worker: worker, k0: j.k0, k1: j.k1}
		if pl.shared == sharedA {
			t.i0, t.j0 = j.lane0, task*pl.tn
		} else {
			t.i0, t.j0 = task*pl.tm, j.lane0
		}
		t.i1, t.j1 = min(t.i0+pl.tm, pl.m), min(t.j0+pl.tn, pl.n)
		j.tile(&t)
	}
}

// privateTask computes a tile of one product of the batch, over all of k or one segment of it.
func (j *job) privateTask(worker, lo, hi int) {
	pl := &j.plan
	for task := lo; task < hi; task++ {
		rest := task
		t := tile{worker: worker}
		t.j0, rest = rest%pl.nTiles*pl.tn, rest/pl.nTiles
		t.i0, rest = rest%pl.mTiles*pl.tm, rest/pl.mTiles
		t.segment, t.batch = rest%pl.segments, rest/pl.segments
		t.i1, t.j1 = min(t.i0+pl.tm, pl.m), min(t.j0+pl.tn, pl.n)
		t.k0 = t.segment * pl.segment
		t.k1 = min(t.k0+pl.segment, pl.k)
		j.tile(&t)
	}
}

// reduceTask adds the partial sums of rows [lo, hi) of all products, segment after segment, and finishes C.
func (j *job) reduceTask(_, lo, hi int) {
	pl, e := &j.plan, &j.call.Epilogue
	for at := lo; at < hi; at++ {
		batch, i := at/pl.m, at%pl.m
		sum := j.partial[(batch*pl.segments*pl.m+i)*pl.n:][:pl.n]
		for s := 1; s < pl.segments; s++ {
			part := j.partial[((batch*pl.segments+s)*pl.m+i)*pl.n:][:pl.n]
			for x, v := range part {
				sum[x] += v
			}
		}
		c := &j.call.C
		t := micro{c: c.Data[j.call.CBatch.offset(batch)+i*c.RowStride:], cCol: c.ColStride, rows: 1, cols: pl.n,
			colBias: e.ColBias, alpha: j.call.Alpha, beta: j.call.Beta, relu: e.Relu}
		if e.RowBias != nil {
			t.rowBias = e.RowBias[i:]
		}
		t.store(sum, pl.n)
	}
}

func cut(s []float32, n int) (head, tail []float32) { return s[:n:n], s[n:] }

// misaligned is the number of elements before the first one that starts a cache line.
func misaligned(s []float32) int {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(s))) / 4
	return int(-at % cacheLine)
}
