package train

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/onnxload"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// headStream is the epoch whose random numbers fresh heads are drawn from, which no training reaches.
const headStream = 1<<63 + 1

// maxClasses bounds the size of a fresh head.
const maxClasses = 1 << 20

// parseHead reads --replace-head classes=N.
func parseHead(text string) (classes int, err error) {
	if text == "" {
		return 0, nil
	}
	n, ok := strings.CutPrefix(text, "classes=")
	if classes, err = strconv.Atoi(n); !ok || err != nil || classes < 1 || classes > maxClasses {
		return 0, failf(Usage, "--replace-head %q is not classes=N with N from 1 to %d", text, maxClasses)
	}
	return classes, nil
}

// ReplaceHead is the model with classes outputs instead of those that the last layer before what the loss looks at has. The
// layer's weight and bias are drawn by seed, uniform within 1/√inputs as PyTorch's layers are.
func ReplaceHead(m *onnxload.Model, loss pass.Loss, classes int, seed uint64) (*onnxload.Model, error) {
	c, err := replaceHead(m, loss, classes, seed)
	if err != nil {
		return nil, failf(BadModel, "--replace-head: %w", err)
	}
	return c, nil
}

func replaceHead(m *onnxload.Model, loss pass.Loss, classes int, seed uint64) (*onnxload.Model, error) {
	g, err := inferred(m)
	if err != nil {
		return nil, err
	}
	output, err := lookedAt(g, loss)
	if err != nil {
		return nil, err
	}
	heads, follow, err := pass.FindHeads(g, output)
	if err != nil {
		return nil, err
	}
	r := onnxload.Replacement{Weights: map[string]*tensor.Tensor{}, Outputs: map[string]map[int]int{}}
	for i, h := range heads {
		r.Weights[h.Weight.Name] = freshHead(h, h.Weight, h.Axis, classes, data.NewRand(seed, headStream, uint64(2*i)))
		if h.Bias != nil {
			r.Weights[h.Bias.Name] = freshHead(h, h.Bias, 0, classes, data.NewRand(seed, headStream, uint64(2*i+1)))
		}
	}
	for _, v := range follow {
		r.Undeclared = append(r.Undeclared, v.Name)
	}
	changed, err := m.Replace(r)
	if err != nil {
		return nil, err
	}
	after, err := inferred(changed)
	if err != nil {
		return nil, fmt.Errorf("the model does not take %d outputs instead of %d: %w", classes, heads[0].Classes, err)
	}
	// The outputs' new sizes are known only now.
	for i, v := range after.Outputs {
		sizes := map[int]int{}
		for axis, d := range v.Type.Shape {
			if was := g.Outputs[i].Type.Shape; axis < len(was) && was[axis] != d {
				sizes[axis] = d
			}
		}
		r.Outputs[v.Name] = sizes
	}
	return m.Replace(r)
}

// freshHead draws a weight or bias of a head with the outputs counted on an axis.
func freshHead(h pass.Head, v *graph.Value, axis, classes int, r *data.Rand) *tensor.Tensor {
	shape := v.Type.Shape.Clone()
	shape[axis] = classes
	t := tensor.New(v.Type.DType, shape...)
	x := make([]float64, t.Elems())
	draw(x, distribution{uniform: 1 / math.Sqrt(float64(max(h.FanIn, 1)))}, r)
	t.SetFloat64s(x)
	return t
}

// inferred is the model's graph with types, under stand-ins for open dimensions.
func inferred(m *onnxload.Model) (*graph.Graph, error) {
	g, err := m.NewGraph()
	if err != nil {
		return nil, err
	}
	_, err = pass.Build(g, pass.Options{Shapes: standIns(g), Loss: pass.Loss{Kind: "none"},
		After: func(name string, _ *graph.Graph) bool { return name != "infer" }})
	if err != pass.ErrStopped {
		return nil, err
	}
	return g, nil
}

// lookedAt is what the loss compares with labels: an output, or the scores of a loss of the model's own.
func lookedAt(g *graph.Graph, loss pass.Loss) (*graph.Value, error) {
	own, err := pass.FindLoss(g, loss.Output)
	if err != nil {
		return nil, err
	}
	if own != nil && own.Scores != nil {
		return own.Scores, nil
	}
	return pass.PickOutput(g, loss.Output)
}
