package app

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
	"github.com/onnxtrain/onnxtrain/train"
	"github.com/onnxtrain/onnxtrain/train/bench"
	"github.com/onnxtrain/onnxtrain/train/inspect"
)

type optimizersDescribe struct {
	Name  string `arg:"" placeholder:"NAME|FILE.onnx[,k=v…]" help:"The optimizer, by name or as an ONNX file; settings count for the cost."`
	Model string `placeholder:"FILE" help:"Show what updates of this model's parameters cost."`
	JSON  bool   `help:"Print one JSON object."`
}

// described is the JSON of optimizers describe.
type described struct {
	*registry.Entry
	Settings *registry.Hyperparameters `json:",omitempty"`
	Model    string                    `json:",omitempty"`
	Cost     *modelCost                `json:",omitempty"`
}

// modelCost is what an optimizer takes for a model.
type modelCost struct {
	Elements   int       `json:"elements"`
	StateBytes int64     `json:"state_bytes"`
	FLOPs      float64   `json:"flops,omitempty"` // of an update, in the mean
	Scratch    int64     `json:"scratch_bytes"`   // at most, of one parameter
	Parameters []oneCost `json:"parameters"`
	known      bool
}

type oneCost struct {
	Names      []string `json:"names"` // several are updated together
	Shapes     [][]int  `json:"shapes"`
	StateBytes int64    `json:"state_bytes"`
	registry.Cost
}

func (c *optimizersDescribe) Run(e *env) error {
	entry, settings, err := registry.Parse(c.Name)
	if err != nil {
		return usage("%w", err)
	}
	opt, hypers, err := entry.New(settings)
	if err != nil {
		return usage("%w", err)
	}
	d := described{Entry: entry, Model: c.Model}
	if c.Model != "" {
		params, err := parametersOf(c.Model)
		if err != nil {
			return err
		}
		d.Settings = &hypers
		if d.Cost, err = costOf(opt, params); err != nil {
			return usage("%w", err)
		}
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(d)
	}
	if err := registry.Describe(e.stdout, entry.Name); err != nil {
		return usage("%w", err)
	}
	if d.Cost == nil {
		return nil
	}
	p := page{w: e.stdout}
	d.Cost.print(&p, c.Model)
	return p.err
}

// parametersOf are those that training of a model would update.
func parametersOf(model string) ([]registry.ParamInfo, error) {
	r, err := inspect.Model(model, inspect.Options{Batch: 32, Length: 64})
	if err != nil {
		return nil, &train.Failure{Kind: train.BadModel, Err: err}
	}
	if len(r.Parameters) == 0 {
		return nil, &train.Failure{Kind: train.BadModel, Err: fmt.Errorf("%s has no parameters to train: %s", model, r.Why)}
	}
	var params []registry.ParamInfo
	for _, p := range r.Parameters {
		params = append(params, registry.ParamInfo{Name: p.Name, Shape: p.Shape, DType: tensor.Float32, Role: registry.Role(p.Role)})
	}
	return params, nil
}

func costOf(opt registry.Optimizer, params []registry.ParamInfo) (*modelCost, error) {
	costs, known, err := registry.Costs(opt, params)
	if err != nil {
		return nil, err
	}
	m := &modelCost{known: known}
	for _, g := range costs {
		one := oneCost{StateBytes: g.State, Cost: g.Cost}
		for _, p := range g.Params {
			one.Names, one.Shapes = append(one.Names, p.Name), append(one.Shapes, p.Shape)
			m.Elements += p.Shape.Elems()
		}
		m.StateBytes += g.State
		m.FLOPs += g.FLOPs
		m.Scratch = max(m.Scratch, g.Scratch)
		m.Parameters = append(m.Parameters, one)
	}
	return m, nil
}

func (m *modelCost) print(p *page, model string) {
	var rows [][]any
	for _, one := range m.Parameters {
		row := []any{strings.Join(one.Names, " + "), strings.Trim(fmt.Sprint(one.Shapes), "[]"), byteSize(one.StateBytes)}
		if m.known {
			row = append(row, count(one.FLOPs), byteSize(one.Scratch))
		}
		rows = append(rows, row)
	}
	heading := []any{"parameter", "shape", "state"}
	if m.known {
		heading = append(heading, "FLOPs an update", "scratch")
	}
	p.table(heading, rows...)
	p.line("")
	p.line("%s: %d elements, state %s, %.2f times the weights", model, m.Elements, byteSize(m.StateBytes), float64(m.StateBytes)/float64(4*m.Elements))
	if m.known {
		p.line("an update in the mean: %s FLOPs, %.1f an element; scratch up to %s", count(m.FLOPs), m.FLOPs/float64(m.Elements), byteSize(m.Scratch))
	} else {
		p.line("the optimizer does not say how many FLOPs an update takes")
	}
}

// count prints a large number with a unit.
func count(x float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if x >= u.size {
			return fmt.Sprintf("%.2f %s", x/u.size, u.name)
		}
	}
	return fmt.Sprintf("%.0f", x)
}

type optimizersBench struct {
	Names   []string `arg:"" optional:"" placeholder:"NAME|FILE.onnx[,k=v…]" help:"The optimizers, by name or as ONNX files; all built-in ones if not given."`
	Model   string   `xor:"what" required:"" placeholder:"FILE" help:"Update this model's parameters."`
	Shapes  string   `xor:"what" required:"" placeholder:"AxB[*N],…" help:"Update parameters of these shapes, such as 384x1536*6,384."`
	Updates int      `default:"30" help:"Updates to time; preconditioners that are computed every so many updates need as many."`
	Threads int      `help:"Compute threads; 0 takes all that the container allows."`
	JSON    bool     `help:"Print one JSON object."`
}

func (c *optimizersBench) Run(e *env) error {
	if c.Updates < 1 {
		return usage("--updates: must be at least 1")
	}
	params, err := parseShapes(c.Shapes)
	if err == nil && c.Model != "" {
		params, err = parametersOf(c.Model)
	}
	if err != nil {
		return err
	}
	if len(c.Names) == 0 {
		c.Names = registry.Names()
	}
	pool := par.New(c.Threads)
	defer pool.Close()
	result := struct {
		Threads int             `json:"threads"`
		Updates []*bench.Update `json:"updates"`
	}{Threads: pool.Threads()}
	var rows [][]any
	for _, name := range c.Names {
		u, err := bench.Updates(pool, name, params, c.Updates)
		if err != nil {
			return usage("%w", err)
		}
		result.Updates = append(result.Updates, u)
		rows = append(rows, []any{name, fmt.Sprintf("%8.3f", u.MS), fmt.Sprintf("%8.3f", u.MSMin), fmt.Sprintf("%8.3f", u.MSMax),
			fmt.Sprintf("%8.3f", u.MSMean), fmt.Sprintf("%7.2f", u.NSPerElem), byteSize(u.StateBytes), fmt.Sprintf("%.1f", u.GFLOPS)})
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(result)
	}
	p := page{w: e.stdout}
	p.line("%d elements in %d tensors, %d threads, %d updates", result.Updates[0].Elements, len(params), pool.Threads(), c.Updates)
	p.table([]any{"optimizer", "median ms", "least", "most", "mean", "ns/element", "state", "GFLOP/s"}, rows...)
	return p.err
}

// parseShapes reads "384x1536*6,384".
func parseShapes(text string) ([]registry.ParamInfo, error) {
	if text == "" {
		return nil, nil
	}
	var params []registry.ParamInfo
	for _, item := range strings.Split(text, ",") {
		dims, times, repeated := strings.Cut(item, "*")
		n := 1
		var err error
		if repeated {
			n, err = strconv.Atoi(times)
		}
		var shape tensor.Shape
		for _, d := range strings.Split(dims, "x") {
			size, bad := strconv.Atoi(d)
			if bad != nil || size < 1 {
				err = strconv.ErrSyntax
			}
			shape = append(shape, size)
		}
		if err != nil || n < 1 || n > 10000 || shape.Check(tensor.Float32) != nil {
			return nil, usage("--shapes: %q is no shape such as 384x1536 or, six times, 384x1536*6", item)
		}
		role := registry.Weight
		if len(shape) < 2 {
			role = registry.Bias
		}
		for range n {
			params = append(params, registry.ParamInfo{Name: fmt.Sprintf("p%d", len(params)), Shape: shape, DType: tensor.Float32, Role: role})
		}
	}
	return params, nil
}
