package ops

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/op"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// recurrentCase is a recurrent layer to test over 3 inputs and 4 hidden units.
type recurrentCase struct {
	name        string
	steps       int
	attrs       graph.Attrs
	lengths     []int32
	bias, state bool
	peepholes   bool
}

// sample makes all inputs of typ, Y and gradients of all outputs not among them.
func (c recurrentCase) sample(typ string) op.Sample {
	const batch, input, hidden = 2, 3, 4
	gates, dirs := recurrentGates[typ], 1
	if c.attrs.String("direction", "") == "bidirectional" {
		dirs = 2
	}
	x, state := []int{c.steps, batch, input}, []int{dirs, batch, hidden}
	if c.attrs.Int("layout", 0) == 1 {
		x, state = []int{batch, c.steps, input}, []int{batch, dirs, hidden}
	}
	in := make([]*tensor.Tensor, 8)
	in[0], in[1] = op.Normalish(1, x...), op.Uniform(2, -1, 1, dirs, gates*hidden, input)
	in[2] = op.Uniform(3, -1, 1, dirs, gates*hidden, hidden)
	if c.bias {
		in[3] = op.Uniform(4, -1, 1, dirs, 2*gates*hidden)
	}
	if c.lengths != nil {
		in[4] = tensor.Vector(c.lengths...)
	}
	if c.state {
		in[5], in[6] = op.Uniform(5, -1, 1, state...), op.Uniform(6, -1, 1, state...)
	}
	if c.peepholes {
		in[7] = op.Uniform(7, -1, 1, dirs, 3*hidden)
	}
	outs := 3
	if typ != "LSTM" {
		in, outs = in[:6], 2
	}
	return op.Sample{Name: c.name, Attrs: c.attrs.With("hidden_size", hidden), In: in, Outs: outs}
}

// recurrentCases are those that every recurrent operator of a version has.
func recurrentCases(since int) []recurrentCase {
	all := []recurrentCase{
		{name: "plain", steps: 3},
		{name: "bias and initial state", steps: 3, bias: true, state: true},
		{name: "reverse", steps: 3, attrs: graph.MakeAttrs("direction", "reverse"), bias: true},
		{name: "bidirectional", steps: 3, attrs: graph.MakeAttrs("direction", "bidirectional"), bias: true, state: true},
		{name: "one step", steps: 1, bias: true},
		{name: "sequence lengths", steps: 4, attrs: graph.MakeAttrs("direction", "bidirectional"), bias: true, state: true, lengths: []int32{2, 4}},
		{name: "clipped", steps: 3, attrs: graph.MakeAttrs("clip", 0.7), bias: true},
	}
	if since >= 14 {
		all = append(all, recurrentCase{name: "batch first", steps: 3, bias: true, state: true,
			attrs: graph.MakeAttrs("layout", 1, "direction", "bidirectional")})
	}
	return all
}

func recurrentSamples(typ string, since int, more ...recurrentCase) []op.Sample {
	var all []op.Sample
	for _, c := range append(recurrentCases(since), more...) {
		all = append(all, c.sample(typ))
	}
	return all
}

func activated(name string, alpha, beta []float32, functions ...string) recurrentCase {
	return recurrentCase{name: name, steps: 3, bias: true,
		attrs: graph.MakeAttrs("activations", functions, "activation_alpha", alpha, "activation_beta", beta)}
}

func lstmSamples(since int) []op.Sample {
	return append(recurrentSamples("LSTM", since,
		recurrentCase{name: "peepholes", steps: 3, bias: true, state: true, peepholes: true},
		recurrentCase{name: "coupled gates", steps: 3, bias: true, state: true, peepholes: true, attrs: graph.MakeAttrs("input_forget", 1)},
		activated("activations", []float32{0.3, 1.2}, []float32{0.4, 0.8}, "HardSigmoid", "Softsign", "ScaledTanh"),
	), recurrentValues("LSTM", nil,
		[]float32{-0.02849096, -0.06768485, -0.3422154, 0.3041525, 0.06495795, -0.02012554, -0.2575215, 0.2636656},
		[]float32{0.06495795, -0.02012554, -0.3422154, 0.3041525},
		[]float32{0.1723607, -0.04267867, -0.7621499, 0.7133145}))
}

func gruSamples(since int) []op.Sample {
	linear := recurrentCase{name: "linear before reset", steps: 3, bias: true, state: true, attrs: graph.MakeAttrs("linear_before_reset", 1)}
	linearValues := recurrentValues("GRU", graph.MakeAttrs("linear_before_reset", 1),
		[]float32{-0.1607294, -0.08030361, -0.6321693, 0.6915196, 0.05135877, -0.3078173, -0.4662788, 0.5944724},
		[]float32{0.05135877, -0.3078173, -0.6321693, 0.6915196})
	linearValues.Name = "values, linear before reset"
	both := linear
	both.name, both.attrs = "linear before reset, both ways", linear.attrs.With("direction", "bidirectional")
	return append(recurrentSamples("GRU", since, linear, both,
		activated("activations", []float32{0.3, 0.7}, []float32{0.1}, "Affine", "Elu"),
	), recurrentValues("GRU", nil,
		[]float32{-0.1779013, -0.1237457, -0.6597519, 0.7708431, 0.006838806, -0.3673406, -0.4870058, 0.6506412},
		[]float32{0.006838806, -0.3673406, -0.6597519, 0.7708431}), linearValues)
}

func rnnSamples(since int) []op.Sample {
	return append(recurrentSamples("RNN", since,
		activated("Relu", nil, nil, "Relu"), activated("LeakyRelu", nil, nil, "LeakyRelu"),
		activated("ThresholdedRelu", []float32{0.5}, nil, "ThresholdedRelu"), activated("Softplus", nil, nil, "Softplus"),
		activated("Sigmoid", nil, nil, "Sigmoid"),
	), recurrentValues("RNN", nil,
		[]float32{-0.1194273, 0.8004991, 0.4891104, -0.4107729, -0.2730777, 0.888369, 0.1586485, -0.4300842},
		[]float32{-0.2730777, 0.888369, 0.4891104, -0.4107729}))
}

// recurrentGradSamples are the cases with Y and gradients of every output.
func recurrentGradSamples(typ string) []op.Sample {
	cases := recurrentCases(14)
	if typ == "LSTM" {
		cases = append(cases, recurrentCase{name: "peepholes", steps: 3, bias: true, state: true, peepholes: true})
	}
	cases = append(cases, recurrentCase{name: "linear before reset", steps: 3, bias: true, state: true,
		attrs: graph.MakeAttrs("linear_before_reset", 1, "direction", "bidirectional")})
	var all []op.Sample
	for _, c := range cases {
		s := c.sample(typ)
		y := outputsOf(typ, s)
		s.In = append(slices.Clone(s.In), y[0])
		for i, t := range y {
			s.In = append(s.In, op.Normalish(uint64(10+i), t.Shape...))
		}
		s.Outs = 5
		if typ == "LSTM" {
			s.Outs = 6
		}
		if c.peepholes {
			s.Outs = 7
		}
		all = append(all, s)
	}
	return all
}

// outputsOf runs a sample on the reference. It panics when the sample is wrong.
func outputsOf(typ string, s op.Sample) []*tensor.Tensor {
	g := graph.New("")
	var in []*graph.Value
	for _, t := range s.In {
		var v *graph.Value
		if t != nil {
			v = g.NewConst("", t)
		}
		in = append(in, v)
	}
	out, err := op.Build(g, nil, "", typ, s.Attrs, s.Outs, in...)
	if err != nil {
		panic(err)
	}
	y, err := op.EvalNode(out[0].Producer, s.In)
	if err != nil {
		panic(err)
	}
	return y
}

// wave is a tensor of a few numbers between -0.5 and 0.5, simple enough to give to another implementation.
func wave(shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape...)
	for i := range t.F32() {
		t.F32()[i] = float32(i*7%11-5) / 10
	}
	return t
}

// recurrentValues is a sample both ways over two steps, with values from ONNX Runtime.
func recurrentValues(typ string, attrs graph.Attrs, want ...[]float32) op.Sample {
	gates := recurrentGates[typ]
	in := []*tensor.Tensor{wave(2, 1, 2), wave(2, gates*2, 2), wave(2, gates*2, 2), wave(2, gates*4), nil, wave(2, 1, 2)}
	if typ == "LSTM" {
		in = append(in, wave(2, 1, 2), wave(2, 6))
	}
	s := op.Sample{Name: "values", Attrs: attrs.With("hidden_size", 2).With("direction", "bidirectional"), In: in, Outs: len(want)}
	for i, v := range want {
		shape := []int{2, 1, 2}
		if i == 0 {
			shape = []int{2, 2, 1, 2}
		}
		s.Want = append(s.Want, floats32(shape, v...))
	}
	return s
}
