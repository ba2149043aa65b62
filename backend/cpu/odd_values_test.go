package cpu

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/internal/par"
)

// TestKernelsOnOddValues runs every kernel on samples with odd numbers among the integers that the data decide, indices and
// labels for instance: where the reference refuses them the kernel does too, and elsewhere both agree. None panics.
func TestKernelsOnOddValues(t *testing.T) {
	pool := par.New(2)
	defer pool.Close()
	refused := map[string]bool{}
	for _, c := range calls(t) {
		for i, in := range c.In {
			if in == nil || !in.DType.IsInt() || slices.Contains(c.Const, i) || in.Elems() == 0 || c.def.Random {
				continue
			}
			for _, x := range []int64{-1, 0, 1, 2, 127, math.MinInt32, 1<<32 + 1, math.MaxInt64, math.MinInt64} {
				for _, everywhere := range []bool{true, false} {
					odd := c
					odd.In = slices.Clone(c.In)
					odd.In[i] = in.Clone()
					v := in.Int64s()
					if v[len(v)-1] = x; everywhere {
						v = slices.Repeat([]int64{x}, len(v))
					}
					odd.In[i].SetInt64s(v)
					if odd.agrees(t, pool, fmt.Sprintf("input %d of %d, everywhere %v", i, x, everywhere)) {
						refused[c.def.Type] = true
					}
				}
			}
		}
	}
	for _, typ := range []string{"Gather", "GatherND", "GatherElements", "ScatterND", "ScatterElements", "SoftmaxCrossEntropyLoss"} {
		if !refused[typ] {
			t.Errorf("%s takes every index", typ)
		}
	}
}

// agrees runs all kernels of a call and reports whether they, like the reference, refuse it.
func (c call) agrees(t *testing.T, pool *par.Pool, what string) (refused bool) {
	n, err := c.node()
	if err != nil {
		return false
	}
	what = fmt.Sprintf("%v, %s", c, what)
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%s: panic: %v", what, r)
		}
	}()
	want, failed := op.EvalNode(n, c.In)
	for _, k := range Candidates(n) {
		got, err := k.once(n, c.In, pool)
		if (err == nil) != (failed == nil) {
			t.Errorf("%s, %s: error %v, the reference has %v", what, k.Name, err, failed)
		}
		if err != nil || failed != nil {
			continue
		}
		for i := range want {
			if err := compare(got[i], want[i], k.Tol); err != nil {
				t.Errorf("%s, %s: output %d: %v", what, k.Name, i, err)
			}
		}
	}
	return failed != nil
}
