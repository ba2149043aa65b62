package main

import (
	"math"

	"github.com/onnxtrain/onnxtrain/optimizers/onnxfile/builder"
)

var matrix = []string{"rows", "cols"}

// newtonSchulz is u with its singular values near 1, by ns_steps iterations on the wide side.
func newtonSchulz(g *builder.Graph, u string) string {
	sides := g.Op("Shape", "param")
	rows := g.Op("Gather", sides, g.Int(0))
	cols := g.Op("Gather", sides, g.Int(1))
	tall := g.Op("Greater", rows, cols)
	swap := builder.Attrs{"perm": []int{1, 0}}
	turned := func(x string) string {
		yes, no := builder.NewGraph(x+"_turned_"), builder.NewGraph(x+"_same_")
		then := yes.Branch("turned", yes.OpWith("Transpose", swap, x))
		return g.OpWith("If", builder.Attrs{"then_branch": then, "else_branch": no.Branch("same", no.Op("Identity", x))}, tall)
	}
	length := g.Op("Sqrt", g.OpWith("ReduceSumSquare", builder.Attrs{"keepdims": 0}, u))
	x := turned(g.Op("Div", u, g.Op("Add", length, g.ToFloat(g.Double(1e-7)))))
	body := builder.NewGraph("ns_")
	a := body.Op("MatMul", "ns_x", body.OpWith("Transpose", swap, "ns_x"))
	poly := body.Op("Add", body.Op("Mul", body.ToFloat(body.Double(-4.7750)), a),
		body.Op("Mul", body.ToFloat(body.Double(2.0315)), body.Op("MatMul", a, a)))
	y := body.Op("Add", body.Op("Mul", body.ToFloat(body.Double(3.4445)), "ns_x"), body.Op("MatMul", poly, "ns_x"))
	loop := body.Body("newton_schulz", []builder.Value{{Name: "ns_i", Type: builder.Int64}, {Name: "ns_go", Type: builder.Bool}, {Name: "ns_x"}},
		[]builder.Value{{Name: body.OpTo("ns_still", "Identity", "ns_go"), Type: builder.Bool}, {Name: y}})
	return turned(g.OpWith("Loop", builder.Attrs{"body": loop}, "ns_steps", "", x))
}

// hidden is the branch of matrices.
func hidden() builder.Subgraph {
	g := builder.NewGraph("matrix_")
	keep, rate := g.ToFloat("momentum"), g.ToFloat(g.Rest("momentum"))
	buffer := g.Mix(keep, "buffer", rate, "grad")
	u := g.Op("Where", "nesterov", g.Mix(rate, "grad", keep, buffer), buffer)
	x := newtonSchulz(g, u)
	// The official code takes the last two axes as they are, which of a kernel are its window.
	last := g.Cast(g.Op("Slice", "shape", g.Ints(-2), g.Ints(math.MaxInt32)), builder.Double)
	ratio := g.Op("Div", g.Op("Gather", last, g.Int(0)), g.Op("Gather", last, g.Int(1)))
	scale := g.Op("Sqrt", g.Op("Max", ratio, g.Double(1)))
	moved := g.Op("Sub", shrunk(g, "lr"), g.Op("Mul", g.ToFloat(g.Op("Mul", "lr", scale)), x))
	return g.Branch("hidden", moved, g.Op("Identity", buffer), g.Op("Identity", "mean"), g.Op("Identity", "square"))
}

// others is the branch of everything else: AdamW with a learning rate that follows lr.
func others() builder.Subgraph {
	g := builder.NewGraph("aux_")
	positive := g.Op("And", g.Op("Greater", "aux_lr", g.Double(0)), g.Op("Greater", "base_lr", g.Double(0)))
	safe := g.Op("Where", positive, "base_lr", g.Double(1))
	followed := g.Op("Div", g.Op("Mul", "aux_lr", "lr"), safe)
	lr := g.Op("Where", positive, followed, g.Op("Mul", g.Double(0.015), "lr"))
	same := func(square string) string { return square }
	step := adamStep(g, lr, "aux_beta1", "aux_beta2", "aux_eps", moments{"mean", "square", "aux_mean", "aux_square"}, same)
	moved := g.Op("Sub", shrunk(g, lr), step)
	return g.Branch("others", moved, g.Op("Identity", "buffer"), g.Op("Identity", "aux_mean"), g.Op("Identity", "aux_square"))
}

func muon() builder.Optimizer {
	g := builder.NewGraph("")
	one := g.Int(1)
	sides := g.Op("Shape", "param")
	wide := g.Op("Greater", g.OpWith("ReduceMin", builder.Attrs{"keepdims": 0}, sides), one)
	isMatrix := g.Op("And", wide, g.Op("Greater", "rank", one))
	weight := g.Op("Equal", "role", g.Int(0))
	auto := g.Op("And", g.Op("Equal", "hidden", g.Int(0)), weight)
	chosen := g.Op("Or", auto, g.Op("Equal", "hidden", one))
	g.If(g.Op("And", chosen, isMatrix), hidden(), others(), "param_out", "buffer_out", "mean_out", "square_out")
	return builder.Optimizer{
		Name:  "muon",
		Doc:   "momentum made orthogonal by Newton-Schulz iterations; AdamW for what is no hidden matrix",
		Paper: "https://kellerjordan.github.io/posts/muon; https://github.com/KellerJordan/Muon",
		Formula: "hidden matrices, kernels as outputs × rest:\nb ← momentum·b + (1-momentum)·g\n" +
			"u = (1-momentum)·g + momentum·b              nesterov=false: b\nX = u/(‖u‖ + 1e-7), of the wide side; ns_steps times:\n" +
			"    A = XXᵀ;  X ← 3.4445·X + (-4.7750·A + 2.0315·A²)X\nw ← (1 - lr·weight_decay)·w - lr·√max(1, rows/columns)·X\n" +
			"embeddings, biases, norms, vectors: AdamW with aux_lr, which follows the schedule of lr",
		Dims: matrix, Graph: g, Hosted: []string{"rank", "role", "shape", "base_lr"},
		Hypers: []builder.Hyper{
			{Name: "lr", Default: 2e-2, Doc: "step size of matrices", Range: notNegative},
			{Name: "momentum", Default: 0.95, Doc: "memory of the mean gradient", Range: share},
			{Name: "nesterov", Default: true, Doc: "step from where momentum leads"},
			{Name: "ns_steps", Default: 5, Doc: "Newton-Schulz iterations", Range: "[1,100]"},
			{Name: "weight_decay", Default: 0.0, Doc: "decoupled decay of the weights", Range: notNegative},
			{Name: "hidden", Default: "auto", Doc: "which parameters count as hidden matrices; auto: weights with two axes or more", Choices: "auto|all|none"},
			{Name: "aux_lr", Default: 0.0, Doc: "step size of everything else; 0: 0.015 of lr", Range: notNegative},
			{Name: "aux_beta1", Default: 0.9, Doc: "memory of the mean gradient there", Range: share, Alias: "betas.0", Symbol: "β₁"},
			{Name: "aux_beta2", Default: 0.95, Doc: "memory of the mean square there", Range: share, Alias: "betas.1", Symbol: "β₂"},
			{Name: "aux_eps", Default: 1e-10, Doc: "added to the corrected root there", Range: notNegative, Alias: "eps", Symbol: "ε"},
		},
		Slots: []builder.Slot{{Name: "buffer", Dims: matrix}, {Name: "mean", Dims: matrix}, {Name: "square", Dims: matrix}},
	}
}
