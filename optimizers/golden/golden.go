// Package golden replays recorded optimizer trajectories on registered optimizers.
package golden

import (
	"embed"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Result is the outcome of one recorded case.
type Result struct {
	Case, Optimizer string
	DType           tensor.DType // the precision of the replay
	// MaxRel is the largest max|got-expect| / max|expect| over parameters and steps.
	MaxRel, Tol float64
	OK          bool
	Skipped     string // why the case was not replayed
}

// Check replays the cases of a file in float32, within max(1e-6, 5·f32_rel), f32_rel being how far the official code
// strays in float32. A case that its file calls ill-conditioned is replayed in float64. only limits the replay to one
// optimizer; "" is all. The error says which file, case and field cannot be replayed; a deviation is no error.
func Check(path, only string) ([]Result, error) { return CheckIn(tensor.Float32, path, only) }

// CheckIn is Check in the given precision. Float64 holds to 1e-12, with decompositions to 1e-9.
func CheckIn(dt tensor.DType, path, only string) ([]Result, error) {
	if only == "" {
		return check(os.ReadFile, dt, path, "", nil)
	}
	e, err := registry.Lookup(only)
	if err != nil {
		return nil, err
	}
	return CheckAs(dt, path, e, recordedName(e))
}

// CheckAs is CheckIn of the cases of a recorded optimizer with another in its place.
func CheckAs(dt tensor.DType, path string, e *registry.Entry, recorded string) ([]Result, error) {
	return check(os.ReadFile, dt, path, recorded, e)
}

// CheckOwn is CheckAs in float32 with the recordings that come with this package.
func CheckOwn(e *registry.Entry, recorded string) ([]Result, error) {
	var all []Result
	for _, path := range []string{"testdata/cases.json", "testdata/packages.json"} {
		results, err := check(own.ReadFile, tensor.Float32, path, recorded, e)
		if err != nil {
			return nil, err
		}
		all = append(all, results...)
	}
	return all, nil
}

//go:embed testdata/*.json
var own embed.FS

// check replays the cases of the optimizer called only, all if that is "", by external if that is not nil.
func check(open func(string) ([]byte, error), dt tensor.DType, path, only string, external *registry.Entry) ([]Result, error) {
	f, err := readFrom(open, path)
	if err != nil {
		return nil, err
	}
	var results []Result
	for i := range f.Cases {
		c := &f.Cases[i]
		e := entry(c.Optimizer)
		if only != "" && (e == nil || e.Name != only) {
			continue
		}
		if external != nil {
			e = external
		}
		r := Result{Case: c.Name, Optimizer: c.Optimizer, DType: dt}
		if e == nil {
			r.Skipped = "no such optimizer is registered"
			results = append(results, r)
			continue
		}
		r.Optimizer = e.Name
		if strings.Contains(c.Notes, "ILL-COND") {
			r.DType = tensor.Float64
		}
		r.Tol = tolerance(c, recordedName(e), r.DType)
		runs, err := translate(c, e)
		if err != nil {
			return nil, fmt.Errorf("%s: case %s: %w", path, c.Name, err)
		}
		if external != nil {
			if name := unknown(e, runs); name != "" {
				r.Skipped = fmt.Sprintf("%s has no setting %s", e.Name, name)
				results = append(results, r)
				continue
			}
		}
		if r.MaxRel, err = f.follow(c, e, runs, r.DType); err != nil {
			return nil, fmt.Errorf("%s: case %s: %w", path, c.Name, err)
		}
		r.OK = r.MaxRel <= r.Tol
		results = append(results, r)
	}
	return results, nil
}

func tolerance(c *recorded, name string, dt tensor.DType) float64 {
	switch {
	case strings.HasPrefix(c.Notes, "LOOSE"): // bfloat16 arithmetic
		return 1e-2
	case strings.Contains(c.Notes, "ILL-COND"):
		return 1e-6
	case dt == tensor.Float32:
		return max(1e-6, 5*c.F32Rel)
	case name == "shampoo" || name == "soap": // eigenvectors
		return 1e-9
	}
	return 1e-12
}

// recordedName is what recordings call an optimizer: that of a file goes by the file's name.
func recordedName(e *registry.Entry) string {
	if e.Origin == "" {
		return e.Name
	}
	if twin := Twin(e); twin != "" {
		return twin
	}
	return baseName(e.Origin)
}

func baseName(path string) string { return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) }

// Twin is the built-in optimizer that one of a file is the same as by its name: adamw for adamw.onnx or adamw-mine. "": none.
func Twin(e *registry.Entry) string {
	twin := ""
	for _, name := range registry.Names() {
		for _, own := range []string{baseName(e.Name), baseName(e.Origin)} {
			rest, found := strings.CutPrefix(own, name)
			if found && (rest == "" || rest[0] == '-' || rest[0] == '_') && len(name) > len(twin) {
				twin = name
			}
		}
	}
	return twin
}

// entry finds the optimizer by its recorded name, which may have other punctuation.
func entry(name string) *registry.Entry {
	plain := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
	for _, candidate := range []string{name, plain} {
		if e, err := registry.Lookup(candidate); err == nil {
			return e
		}
	}
	return nil
}

// run is some of a case's parameters under one setting of the optimizer.
type run struct {
	params    []string
	settings  registry.Settings
	lossTerms int
	lr, decay float64

	stepper       *registry.Stepper
	values, grads []*tensor.Tensor
}

// unknown is a setting of a case that an optimizer does not have, "" if it has all.
func unknown(e *registry.Entry, runs []*run) string {
	for _, r := range runs {
		for _, name := range slices.Sorted(maps.Keys(r.settings)) {
			if !e.Has(name) {
				return name
			}
		}
	}
	return ""
}

// follow replays a case and returns how far the replay strays from it.
func (f *file) follow(c *recorded, e *registry.Entry, runs []*run, dt tensor.DType) (float64, error) {
	for _, r := range runs {
		if err := r.start(f, e, dt); err != nil {
			return 0, err
		}
	}
	worst := 0.0
	for t := range c.Steps {
		for _, r := range runs {
			if err := r.step(f, c, t); err != nil {
				return 0, fmt.Errorf("step %d: %w", t+1, err)
			}
			for i, name := range r.params {
				worst = max(worst, distance(r.values[i].Float64s(), c.expected(t, name)))
			}
		}
	}
	return worst, nil
}

func (r *run) start(f *file, e *registry.Entry, dt tensor.DType) error {
	opt, h, err := e.New(r.settings)
	if err != nil {
		return fmt.Errorf("field hyper: %w", err)
	}
	r.lr, r.decay = h.LR, h.WeightDecay
	var infos []registry.ParamInfo
	for _, name := range r.params {
		shape := f.problem.Shapes[name]
		infos = append(infos, registry.ParamInfo{Name: name, Shape: shape, DType: dt, Role: role(name, shape)})
		value := tensor.New(dt, shape...)
		value.SetFloat64s(f.problem.Init[name])
		r.values = append(r.values, value)
		r.grads = append(r.grads, tensor.New(dt, shape...))
	}
	r.stepper, err = registry.NewStepper(opt, infos, nil)
	return err
}

func (r *run) step(f *file, c *recorded, t int) error {
	for i, name := range r.params {
		r.grads[i].SetFloat64s(f.problem.Grads[t][name])
	}
	lr := r.lr
	if c.LRSchedule != nil {
		lr = c.LRSchedule[t]
	}
	return r.stepper.Step(registry.Context{Step: t + 1, LR: lr, WeightDecay: r.decay, LossTerms: r.lossTerms}, r.values, r.grads)
}

// role is what the name of a recorded parameter says.
func role(name string, shape tensor.Shape) registry.Role {
	switch {
	case strings.HasPrefix(name, "emb") && len(shape) == 2:
		return registry.Embedding
	case strings.HasSuffix(name, "bias"):
		return registry.Bias
	case len(shape) <= 1:
		return registry.Norm
	}
	return registry.Weight
}

func distance(got, want []float64) float64 {
	diff, scale := 0.0, 0.0
	for i := range want {
		d := math.Abs(got[i] - want[i])
		if math.IsNaN(d) {
			return math.Inf(1)
		}
		diff, scale = max(diff, d), max(scale, math.Abs(want[i]))
	}
	if diff == 0 {
		return 0
	}
	return diff / scale
}
