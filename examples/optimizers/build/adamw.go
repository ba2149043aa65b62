package main

import "github.com/onnxtrain/onnxtrain/optimizers/onnxfile/builder"

// moments are what a step of Adam reads and writes.
type moments struct{ mean, square, meanOut, squareOut string }

// adamStep is the scaled direction of Adam, corrected for the start at zero. divisor makes of the mean square what
// divides.
func adamStep(g *builder.Graph, lr, beta1, beta2, eps string, m moments, divisor func(square string) string) string {
	t := g.Cast("step", builder.Double)
	g.MixTo(m.meanOut, g.ToFloat(beta1), m.mean, g.ToFloat(g.Rest(beta1)), "grad")
	g.MixTo(m.squareOut, g.ToFloat(beta2), m.square, g.ToFloat(g.Rest(beta2)), g.Op("Mul", "grad", "grad"))
	rate := g.ToFloat(g.Op("Div", lr, g.Rest(g.Op("Pow", beta1, t))))
	unroot := g.ToFloat(g.Op("Div", g.Double(1), g.Op("Sqrt", g.Rest(g.Op("Pow", beta2, t)))))
	root := g.Op("Sqrt", divisor(m.squareOut))
	below := g.Op("Add", g.Op("Mul", root, unroot), g.ToFloat(eps))
	return g.Op("Mul", rate, g.Op("Div", m.meanOut, below))
}

// shrunk is the parameter after decoupled weight decay.
func shrunk(g *builder.Graph, lr string) string {
	return g.Op("Mul", g.ToFloat(g.Rest(g.Op("Mul", lr, "weight_decay"))), "param")
}

func adamw() builder.Optimizer {
	g := builder.NewGraph("")
	step := adamStep(g, "lr", "beta1", "beta2", "eps", moments{"mean", "square", "mean_out", "square_out"}, func(square string) string {
		yes, no := builder.NewGraph("yes_"), builder.NewGraph("no_")
		most := yes.Op("Max", "largest", square)
		then := yes.Branch("amsgrad", yes.Op("Identity", most), yes.Op("Identity", most))
		otherwise := no.Branch("plain", no.Op("Identity", square), no.Op("Identity", "largest"))
		g.If("amsgrad", then, otherwise, "divisor", "largest_out")
		return "divisor"
	})
	g.OpTo("param_out", "Sub", shrunk(g, "lr"), step)
	return builder.Optimizer{
		Name: "adamw", Doc: "Adam with decoupled weight decay", Paper: "https://arxiv.org/abs/1711.05101; torch.optim.AdamW",
		Formula: "m ← beta1·m + (1-beta1)·g\nv ← beta2·v + (1-beta2)·g²      amsgrad: the largest v so far divides\n" +
			"w ← (1 - lr·weight_decay)·w - lr/(1-beta1ᵗ) · m / (√v/√(1-beta2ᵗ) + eps)",
		Dims: row, Graph: g,
		Hypers: []builder.Hyper{
			{Name: "lr", Default: 1e-3, Doc: "step size", Range: notNegative},
			{Name: "beta1", Default: 0.9, Doc: "memory of the mean gradient", Range: share, Alias: "betas.0", Symbol: "β₁"},
			{Name: "beta2", Default: 0.999, Doc: "memory of the mean square", Range: share, Alias: "betas.1", Symbol: "β₂"},
			{Name: "eps", Default: 1e-8, Doc: "added to the corrected root", Range: notNegative, Symbol: "ε"},
			{Name: "amsgrad", Default: false, Doc: "divide by the largest mean square so far"},
			{Name: "weight_decay", Default: 1e-2, Doc: "decoupled decay of the weights", Range: notNegative},
		},
		Slots: []builder.Slot{{Name: "mean", Dims: row}, {Name: "square", Dims: row}, {Name: "largest", Dims: row}},
	}
}
