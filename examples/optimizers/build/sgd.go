package main

import "github.com/onnxtrain/onnxtrain/optimizers/onnxfile/builder"

func sgd() builder.Optimizer {
	g := builder.NewGraph("")
	decayed := g.Op("Add", "grad", g.Op("Mul", g.ToFloat("weight_decay"), "param"))
	first := g.Op("Equal", "step", g.Int(1))
	keep := g.ToFloat(g.Op("Where", first, g.Double(0), "momentum"))
	rate := g.ToFloat(g.Op("Where", first, g.Double(1), g.Rest("dampening")))
	buffer := g.MixTo("buffer_out", keep, "buffer", rate, decayed)
	// With nesterov the step is g + momentum·buffer, without it buffer itself.
	ahead := g.ToFloat(g.Cast("nesterov", builder.Double))
	back := g.ToFloat(g.Op("Where", "nesterov", "momentum", g.Double(1)))
	step := g.Mix(ahead, decayed, back, buffer)
	g.OpTo("param_out", "Sub", "param", g.Op("Mul", g.ToFloat("lr"), step))
	return builder.Optimizer{
		Name: "sgd", Doc: "stochastic gradient descent with momentum", Paper: "torch.optim.SGD",
		Formula: "g ← g + weight_decay·w\nbuf ← momentum·buf + (1-dampening)·g      g at the first update\n" +
			"w ← w - lr·buf                            nesterov: lr·(g + momentum·buf)",
		Dims: row, Graph: g,
		Hypers: []builder.Hyper{
			{Name: "lr", Default: 0.1, Doc: "step size", Range: notNegative},
			{Name: "momentum", Default: 0.0, Doc: "share of the previous direction that stays", Range: share},
			{Name: "dampening", Default: 0.0, Doc: "share of the gradient that the buffer leaves out", Range: "[0,1]"},
			{Name: "nesterov", Default: false, Doc: "step from where momentum leads"},
			{Name: "weight_decay", Default: 0.0, Doc: "L2 penalty, added to the gradient", Range: notNegative},
		},
		Slots: []builder.Slot{{Name: "buffer", Dims: row}},
	}
}
