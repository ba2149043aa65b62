package optimizers

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// path is one parameter in float64 on its way.
type path struct {
	*registry.Stepper
	w         *tensor.Tensor
	lr, decay float64
	terms     int
}

func newPath(t *testing.T, opt string, terms int, shape tensor.Shape, w []float64) *path {
	t.Helper()
	e, settings, err := registry.Parse(opt)
	if err != nil {
		t.Fatal(err)
	}
	o, h, err := e.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	p := &path{w: tensor.New(tensor.Float64, shape...), lr: h.LR, decay: h.WeightDecay, terms: terms}
	p.w.SetFloat64s(w)
	if p.Stepper, err = registry.NewStepper(o, []registry.ParamInfo{{Name: "w", Shape: shape, DType: tensor.Float64}}, nil); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *path) slot(t *testing.T, name string) []float64 {
	t.Helper()
	for _, s := range p.Slots {
		if s.Name == "w/"+name {
			return tensor.Slice[float64](s.Tensor)
		}
	}
	t.Fatalf("no slot %s", name)
	return nil
}

func (p *path) values() []float64 { return tensor.Slice[float64](p.w) }

func (p *path) step(t *testing.T, g []float64) {
	t.Helper()
	c := registry.Context{Step: p.Updates[0] + 1, LR: p.lr, WeightDecay: p.decay, LossTerms: p.terms}
	err := p.Step(c, []*tensor.Tensor{p.w}, []*tensor.Tensor{tensor.Of(p.w.Shape, g...)})
	if err != nil {
		t.Fatal(err)
	}
}

func normals(seed uint64, n int) []float64 {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]float64, n)
	for i := range out {
		out[i] = r.NormFloat64()
	}
	return out
}

func times(c float64, x []float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = c * v
	}
	return out
}

func near(t *testing.T, got, want []float64, tol float64) {
	t.Helper()
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tol*max(1, math.Abs(want[i]))) {
			t.Fatalf("element %d is %v, want %v", i, got[i], want[i])
		}
	}
}

// TestSummedLoss: a loss summed over B terms leads the same way as their mean, with damping and the start B times.
func TestSummedLoss(t *testing.T) {
	const terms, n = 16, 12
	start := normals(1, n)
	mean := newPath(t, "rfrmsprop,lr=0.1,damping=0.01", terms, tensor.Shape{n}, start)
	sum := newPath(t, "rfrmsprop,lr=0.1,damping=0.16", 1, tensor.Shape{n}, start)
	copy(sum.slot(t, "curvature"), times(terms, sum.slot(t, "curvature")))
	for k := range uint64(20) {
		g := normals(k+2, n)
		mean.step(t, g)
		sum.step(t, times(terms, g))
	}
	near(t, sum.values(), mean.values(), 1e-14)
}

// TestRescaling: the same path for w and for v with w = c·v, which the root of RMSProp breaks.
func TestRescaling(t *testing.T) {
	const c, n = 0.5, 12
	for _, test := range []struct {
		opt, slot string
		same      bool
	}{
		{"rfrmsprop,lr=0.1,damping=0", "curvature", true},
		{"rmsprop,lr=0.1,eps=0,momentum=0.9", "square", false},
	} {
		t.Run(test.opt, func(t *testing.T) {
			start := normals(1, n)
			w := newPath(t, test.opt, 8, tensor.Shape{n}, start)
			v := newPath(t, test.opt, 8, tensor.Shape{n}, times(1/c, start))
			copy(v.slot(t, test.slot), times(c*c, v.slot(t, test.slot)))
			for k := range uint64(20) {
				g := normals(k+2, n)
				w.step(t, g)
				v.step(t, times(c, g))
			}
			if !test.same {
				if math.Abs(c*v.values()[0]-w.values()[0]) < 1e-3 {
					t.Error("invariant, which it is not")
				}
				return
			}
			near(t, times(c, v.values()), w.values(), 1e-14)
		})
	}
}

// TestStepBound: no coordinate of a root-free step exceeds 1/(2√((1-beta2)·B·damping)).
func TestStepBound(t *testing.T) {
	bound := 1 / (2 * math.Sqrt(0.01*128*1e-4))
	for _, g := range []float64{1e-4, 1e-2, 1, 100} {
		p := newPath(t, "rfrmsprop,lr=1,weight_decay=0,momentum=0,zero_init,damping=1e-4", 128, tensor.Shape{1}, []float64{0})
		p.step(t, []float64{g})
		if u := math.Abs(p.values()[0]); u > bound {
			t.Errorf("a gradient of %v moves the weight by %v, more than %v", g, u, bound)
		}
	}
}

// shear is the identity with x at (i, j).
func shear(n, i, j int, x float64) mat[float64] {
	m := square(make([]float64, n*n), n)
	for k := range n {
		m.data[k*n+k] = 1
	}
	m.data[i*n+j] = x
	return m
}

func product(ms ...mat[float64]) mat[float64] {
	out := ms[0]
	for _, m := range ms[1:] {
		next := mat[float64]{make([]float64, out.rows*m.cols), out.rows, m.cols, m.cols, 1}
		plainGemm(1, out, m, 0, next)
		out = next
	}
	return out
}

// TestAffineInvariance: IF-Shampoo takes W = A·V·Cᵀ and V along the same path when the factors start transformed alike.
func TestAffineInvariance(t *testing.T) {
	const opt = "ifshampoo,lr=0.05,damping=0,weight_decay=0,interval=1"
	a, aInverse := product(shear(3, 1, 0, 0.5), shear(3, 2, 1, -0.7)), product(shear(3, 2, 1, 0.7), shear(3, 1, 0, -0.5))
	c, cInverse := product(shear(2, 0, 1, 0.3), shear(2, 1, 0, 0.9)), product(shear(2, 1, 0, -0.9), shear(2, 0, 1, -0.3))
	inV := mat[float64]{normals(1, 6), 3, 2, 2, 1}
	inW := func(v mat[float64]) []float64 { return product(a, v, c.t()).data }
	w := newPath(t, opt, 8, tensor.Shape{3, 2}, inW(inV))
	v := newPath(t, opt, 8, tensor.Shape{3, 2}, inV.data)
	copy(v.slot(t, "K1"), aInverse.data)
	copy(v.slot(t, "K2"), cInverse.data)
	for k := range uint64(15) {
		g := mat[float64]{normals(k+2, 6), 3, 2, 2, 1}
		w.step(t, g.data)
		v.step(t, product(a.t(), g, c).data)
	}
	near(t, inW(mat[float64]{v.values(), 3, 2, 2, 1}), w.values(), 1e-12)
}

// TestFixedPoint: for a vector K·Kᵀ goes to (B·E[g·gᵀ] + damping·I)⁻¹.
func TestFixedPoint(t *testing.T) {
	const terms, damping = 4, 0.1
	p := newPath(t, "ifshampoo,lr=0,damping=0.1,beta2=0.02,alpha2=0,interval=1", terms, tensor.Shape{2}, []float64{0, 0})
	grads := [][]float64{{0.5, 0.25}, {-0.25, 0.75}}
	for k := range 4000 {
		p.step(t, grads[k%2])
	}
	fisher := square([]float64{damping, 0, 0, damping}, 2)
	for _, g := range grads {
		column := mat[float64]{g, 2, 1, 1, 1}
		plainGemm(terms/2, column, column.t(), 1, fisher)
	}
	k := square(p.slot(t, "K1"), 2)
	near(t, product(k, k.t(), fisher).data, []float64{1, 0, 0, 1}, 0.02)
}

// TestRootAblation: root-free RMSProp with the root, from 0 and without the number of loss terms is RMSProp.
func TestRootAblation(t *testing.T) {
	const n = 12
	start := normals(1, n)
	p := newPath(t, "rfrmsprop,lr=0.01,root,zero_init,batch_scaling=false,weight_decay=0,damping=1e-8,momentum=0.5", 8, tensor.Shape{n}, start)
	q := newPath(t, "rmsprop,lr=0.01,momentum=0.5", 8, tensor.Shape{n}, start)
	for k := range uint64(20) {
		g := normals(k+2, n)
		p.step(t, g)
		q.step(t, g)
	}
	near(t, p.values(), q.values(), 1e-14)
}

// TestStalledCurvature: a curvature in bf16 keeps its start where 1-beta2 is below half of bf16's last digit, 2⁻⁹, so that
// root-free RMSProp becomes gradient descent; one in float32, or a faster one, does not.
func TestStalledCurvature(t *testing.T) {
	for opt, stalls := range map[string]bool{
		"rfrmsprop,beta2=0.999,state_dtype=bf16": true,
		"rfrmsprop,beta2=0.995,state_dtype=bf16": false,
		"rfrmsprop,beta2=0.999":                  false,
	} {
		e, settings, err := registry.Parse(opt)
		if err != nil {
			t.Fatal(err)
		}
		o, h, err := e.New(settings)
		if err != nil {
			t.Fatal(err)
		}
		w, g := tensor.New(tensor.Float32, 4), tensor.New(tensor.Float32, 4)
		s, err := registry.NewStepper(o, []registry.ParamInfo{{Name: "w", Shape: w.Shape, DType: tensor.Float32}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for step := range 200 {
			g.SetFloat64s(times(1e-3, normals(uint64(step), 4)))
			if err := s.Step(registry.Context{Step: step + 1, LR: h.LR, LossTerms: 128}, []*tensor.Tensor{w}, []*tensor.Tensor{g}); err != nil {
				t.Fatal(err)
			}
		}
		for _, x := range s.Slots[0].Tensor.Float64s() {
			if (x == 1) != stalls {
				t.Errorf("%s: the curvature goes from 1 to %v in 200 steps", opt, x)
			}
		}
	}
}
