package main

import "github.com/onnxtrain/onnxtrain/optimizers/onnxfile/builder"

func lion() builder.Optimizer {
	g := builder.NewGraph("")
	mix := g.Mix(g.ToFloat("beta1"), "momentum", g.ToFloat(g.Rest("beta1")), "grad")
	direction := g.Op("Add", g.Op("Sign", mix), g.Op("Mul", g.ToFloat("weight_decay"), "param"))
	g.OpTo("param_out", "Sub", "param", g.Op("Mul", g.ToFloat("lr"), direction))
	g.MixTo("momentum_out", g.ToFloat("beta2"), "momentum", g.ToFloat(g.Rest("beta2")), "grad")
	return builder.Optimizer{
		Name: "lion", Doc: "the sign of an interpolated momentum", Paper: "https://arxiv.org/abs/2302.06675; optax.lion",
		Formula: "c ← beta1·m + (1-beta1)·g\nw ← w - lr·(sign(c) + weight_decay·w)\nm ← beta2·m + (1-beta2)·g",
		Dims:    row, Graph: g,
		Hypers: []builder.Hyper{
			{Name: "lr", Default: 1e-4, Doc: "step size", Range: notNegative},
			{Name: "beta1", Default: 0.9, Doc: "weight of the momentum in the direction", Range: share, Alias: "betas.0", Symbol: "β₁"},
			{Name: "beta2", Default: 0.99, Doc: "memory of the momentum", Range: share, Alias: "betas.1", Symbol: "β₂"},
			{Name: "weight_decay", Default: 1e-3, Doc: "decoupled decay of the weights", Range: notNegative, Symbol: "λ"},
		},
		Slots: []builder.Slot{{Name: "momentum", Dims: row}},
	}
}
