package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Diagnose runs the batches of a failed step again, with every value kept, and sets the error's Origin. Weights and
// states are those from before the step, and stay so. Without the memory for it nothing is found.
func (t *Trainer) Diagnose(ctx context.Context, batches []*data.Batch, e *NonFinite) {
	if e.Origin != "" || e.Spoiled {
		return
	}
	for i, batch := range batches {
		if e.batch < 0 || i == e.batch {
			t.diagnose(ctx, i, batch, e)
		}
		if e.Origin == "" {
			continue
		}
		if len(batches) > 1 {
			e.Origin += fmt.Sprintf(", in batch %d of %d", i+1, len(batches))
		}
		return
	}
}

// diagnose looks at the i-th batch of a step.
func (t *Trainer) diagnose(ctx context.Context, i int, batch *data.Batch, e *NonFinite) {
	if t.Engine.freePrograms() != nil { // which are compiled again when the run goes on
		return
	}
	p, err := t.Engine.compileKeeping(typesOf(batch), true, func(b *pass.Built) []*graph.Value { return slices.Clone(b.Graph.Values) })
	if err != nil {
		return
	}
	defer p.Close()
	if err := p.Run(ctx, batch.Tensors, t.seed(i), e.Step); err != nil {
		return
	}
	bad := p.Built.Loss
	if e.param >= 0 {
		bad = p.Built.Grads[e.param]
	}
	for _, u := range p.Built.Graph.Updates {
		if e.state != "" && u.State.Name == e.state {
			bad = u.Value
		}
	}
	if at, _ := p.bad(bad); at >= 0 {
		e.Origin = p.origin(bad)
	}
}

// origin goes back from a value that is not finite to where it began. NaN are followed first; an infinity that comes
// from a constant, as in attention masks, is meant to be there, so it is the operator that made a NaN of it.
func (p *Program) origin(v *graph.Value) string {
	if _, nan := p.bad(v); nan {
		v = p.follow(v, true)
	}
	if root := p.follow(v, false); !p.masked(root) {
		v = root
	}
	at, nan := p.bad(v)
	if n := v.Producer; n != nil {
		kind := "an infinity"
		if nan {
			kind = "NaN"
		}
		return fmt.Sprintf("%s: %s out of finite inputs", described(n), kind)
	}
	switch v.Kind {
	case graph.Input:
		example := 0
		if t := p.Tensor(v); len(t.Shape) > 0 {
			example = at / max(t.Elems()/max(t.Shape[0], 1), 1)
		}
		return fmt.Sprintf("the data: example %d of the batch, array %q", example+1, strings.TrimPrefix(v.Name, "onnxtrain."))
	case graph.Param:
		return fmt.Sprintf("parameter %q, before the step", v.Name)
	case graph.State:
		return fmt.Sprintf("running statistic %q, before the step", v.Name)
	}
	return fmt.Sprintf("constant %q", v.Name)
}

// follow goes from a value to a bad input of its producer, NaN or any, and on from there.
func (p *Program) follow(v *graph.Value, nan bool) *graph.Value {
	for v.Producer != nil {
		var next *graph.Value
		for _, in := range v.Producer.In {
			if at, isNaN := p.bad(in); at >= 0 && (isNaN || !nan) {
				next = in
				break
			}
		}
		if next == nil {
			break
		}
		v = next
	}
	return v
}

// masked reports whether an infinity is a constant of the model.
func (p *Program) masked(v *graph.Value) bool {
	_, nan := p.bad(v)
	return v.Kind == graph.Const && !nan
}

// bad is the place of the first element of a value that is not finite, -1 for none, and whether one is NaN.
func (p *Program) bad(v *graph.Value) (at int, nan bool) {
	if v == nil || !v.Type.DType.IsFloat() {
		return -1, false
	}
	if v.Kind == graph.Const {
		return firstBad(v.Init)
	}
	if t := p.Tensor(v); t != nil {
		return firstBad(t)
	}
	return -1, false
}

func firstBad(t *tensor.Tensor) (at int, nan bool) {
	at = -1
	if !t.DType.IsFloat() {
		return at, false
	}
	for i, x := range t.Float64s() {
		if at < 0 && !finite(x) {
			at = i
		}
		if math.IsNaN(x) {
			return at, true
		}
	}
	return at, false
}

// described names a node as errors do.
func described(n *graph.Node) string {
	text := fmt.Sprintf("node %q (%v)", n.Name, n.Op)
	if o := n.Origin; o != nil {
		text += fmt.Sprintf(", gradient of %q (%v)", o.Name, o.Op)
	}
	return text
}
