package main

import "github.com/onnxtrain/onnxtrain/optimizers/onnxfile/builder"

// tiny is the smallest normal float.
const tiny = 0x1p-126

func rfrmsprop() builder.Optimizer {
	g := builder.NewGraph("")
	terms := g.Cast("loss_terms", builder.Double)
	scale := g.Op("Where", "batch_scaling", terms, g.Double(1))
	rate := g.ToFloat(g.Op("Mul", g.Rest("beta2"), scale))
	curvature := g.MixTo("curvature_out", g.ToFloat("beta2"), "curvature", rate, g.Op("Mul", "grad", "grad"))
	// A zero gradient has no direction, even where nothing damps a curvature that has died away: never 0/0.
	divisor := g.Op("Max", g.Op("Add", curvature, g.ToFloat("damping")), g.Float(tiny))
	direction := g.Op("Div", "grad", divisor)
	decayed := g.Op("Add", direction, g.Op("Mul", g.ToFloat("weight_decay"), "param"))
	buffer := g.OpTo("buffer_out", "Add", g.Op("Mul", g.ToFloat("momentum"), "buffer"), decayed)
	g.OpTo("param_out", "Sub", "param", g.Op("Mul", g.ToFloat("lr"), buffer))
	return builder.Optimizer{
		Name: "rfrmsprop", Doc: "root-free RMSProp: a diagonal second-order method", Paper: "https://arxiv.org/abs/2402.03496",
		Formula: "S   ← beta2·S + (1-beta2)·B·g²               S starts at 1; B: loss terms averaged per step\n" +
			"u   ← g / (S + damping) + weight_decay·w\nbuf ← momentum·buf + u\nw   ← w - lr·buf",
		Dims: row, Graph: g, Hosted: []string{"loss_terms"},
		Hypers: []builder.Hyper{
			{Name: "lr", Default: 1e-2, Doc: "step size; not comparable with Adam's", Range: notNegative, Symbol: "β₁"},
			{Name: "momentum", Default: 0.9, Doc: "share of the previous direction that stays", Range: share, Symbol: "α₁", Official: "0"},
			{Name: "beta2", Default: 0.99, Doc: "memory of the curvature", Range: share, Symbol: "1-β₂", Alias: "alpha"},
			{Name: "damping", Default: 1e-4, Doc: "added to the curvature", Range: notNegative, Symbol: "λ", Alias: "eps"},
			{Name: "weight_decay", Default: 5e-4, Doc: "decay, beside the preconditioner but inside the momentum", Range: notNegative,
				Symbol: "κ", Official: "0"},
			{Name: "batch_scaling", Default: true, Doc: "scale squared gradients by the number of loss terms", Symbol: "B", Alias: "!no_batch_scaling"},
		},
		Slots: []builder.Slot{{Name: "curvature", Dims: row, Init: "1"}, {Name: "buffer", Dims: row}},
	}
}
