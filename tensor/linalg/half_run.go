package linalg

import (
	"unsafe"

	"github.com/onnxtrain/onnxtrain/internal/par"
)

// halfJob is a run in progress, as job is one of GemmCall.
type halfJob struct {
	call HalfCall
	plan halfPlan
	pool *par.Pool

	// direct says that sums go to C at once.
	direct bool

	shared           []uint16
	partial, private []float32

	// The part of a product that shared tasks are in.
	batch, lane0, k0, k1 int

	packBody, sharedBody, privateBody, reduceBody func(worker, lo, hi int)
}

var idleHalf = make(chan *halfJob, 64)

func newHalfJob() *halfJob {
	select {
	case j := <-idleHalf:
		return j
	default:
	}
	j := new(halfJob)
	j.packBody, j.sharedBody, j.privateBody, j.reduceBody = j.packTask, j.sharedTask, j.privateTask, j.reduceTask
	return j
}

func (j *halfJob) release() {
	j.call, j.pool = HalfCall{}, nil
	j.shared, j.partial, j.private = nil, nil, nil
	select {
	case idleHalf <- j:
	default:
	}
}

func (j *halfJob) run(work []float32) {
	pl, g := &j.plan, &j.call
	j.direct = g.C.F32 != nil && g.C.ColStride == 1 && (g.Beta == 0 || g.Beta == 1 && g.Alpha == 1) && pl.segments == 1
	work = work[misaligned(work):]
	var shared []float32
	shared, work = cut(work, pl.sharedSize())
	j.shared = halves(shared)
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

func (j *halfJob) runShared() {
	pl := &j.plan
	lanes, section, chunks := pl.m, pl.tm, pl.nTiles
	if pl.shared == sharedB {
		lanes, section, chunks = pl.n, pl.tn, pl.mTiles
	}
	for j.batch = range pl.count {
		for j.lane0 = 0; j.lane0 < lanes; j.lane0 += section {
			for j.k0 = 0; j.k0 == 0 || j.k0 < pl.k; j.k0 += pl.part {
				j.k1 = min(j.k0+pl.part, pl.k)
				j.pool.For(parts(j.k1-j.k0, halfBlock)*parts(section, halfPackLanes), 1, j.packBody)
				j.pool.For(chunks, 1, j.sharedBody)
			}
		}
	}
}

// halfPackLanes is the lanes of the shared operand that a task packs of a block of steps.
const halfPackLanes = 128

func (j *halfJob) packTask(worker, lo, hi int) {
	pl := &j.plan
	lanes, section := pl.m, pl.tm
	if pl.shared == sharedB {
		lanes, section = pl.n, pl.tn
	}
	stage := j.own(worker).stage
	for task := lo; task < hi; task++ {
		k0 := j.k0 + task/parts(section, halfPackLanes)*halfBlock
		k1 := min(k0+halfBlock, j.k1)
		first := task % parts(section, halfPackLanes) * halfPackLanes
		i0 := j.lane0 + first
		i1 := min(i0+halfPackLanes, j.lane0+section, lanes)
		if i0 >= i1 {
			continue
		}
		if pl.shared == sharedB {
			j.packRight(j.shared[first*pl.padded(pl.part)+(k0-j.k0)*HalfCols:], pl.padded(pl.part), stage, j.batch, k0, k1, i0, i1)
			continue
		}
		a := j.left(j.batch)
		for i := i0; i < i1; i += HalfRows {
			row := pl.sharedRow()
			a.rows(j.shared[(i-j.lane0)*row+k0-j.k0:], row, stage, k0, k1, pl.padded(k1-k0), i, min(i+HalfRows, i1))
		}
	}
}

// sharedTask multiplies a chunk of one operand by all of the shared one that is packed.
func (j *halfJob) sharedTask(worker, lo, hi int) {
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
func (j *halfJob) privateTask(worker, lo, hi int) {
	pl := &j.plan
	for task := lo; task < hi; task++ {
		rest := task
		t := tile{worker: worker}
		t.j0, rest = rest%pl.nTiles*pl.tn, rest/pl.nTiles
		t.i0, rest = rest%pl.mTiles*pl.tm, rest/pl.mTiles
		t.segment, t.batch = rest%pl.segments, rest/pl.segments
		t.i1, t.j1 = min(t.i0+pl.tm, pl.m), min(t.j0+pl.tn, pl.n)
		t.k0 = t.segment * pl.part
		t.k1 = min(t.k0+pl.part, pl.k)
		j.tile(&t)
	}
}

// reduceTask adds the partial sums of rows [lo, hi) of all products, segment after segment, and finishes C.
func (j *halfJob) reduceTask(worker, lo, hi int) {
	pl := &j.plan
	spare := j.own(worker).sums
	for at := lo; at < hi; at++ {
		batch, i := at/pl.m, at%pl.m
		sum := j.partial[(batch*pl.segments*pl.m+i)*pl.n:][:pl.n]
		for s := 1; s < pl.segments; s++ {
			Add(sum, sum, j.partial[((batch*pl.segments+s)*pl.m+i)*pl.n:][:pl.n])
		}
		for j0 := 0; j0 < pl.n; j0 += pl.tn {
			j1 := min(j0+pl.tn, pl.n)
			j.finish(sum[j0:j1], pl.n, spare, batch, i, 1, j0, j1)
		}
	}
}

// own is the scratch of a worker.
type own struct {
	left, stage, right []uint16
	sums               []float32
}

func (j *halfJob) own(worker int) own {
	pl := &j.plan
	mine := j.private[worker*pl.privateSize():][:pl.privateSize()]
	left, mine := cut(mine, pl.leftSize())
	stage, mine := cut(mine, pl.leftSize())
	right, sums := cut(mine, pl.rightSize())
	return own{left: halves(left), stage: halves(stage), right: halves(right), sums: sums}
}

// halves views memory of float32s as bf16s, two for one.
func halves(x []float32) []uint16 {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(x))), 2*len(x))
}
