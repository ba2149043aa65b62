package main

import "strings"

// update is a pass over a parameter w, its gradient g and its state.
func update(name, record string, state, fields string, body func(b *builder)) function {
	return function{
		name: name, slices: append([]string{"w", "g"}, strings.Fields(state)...), scalars: strings.Fields(fields),
		record: record + "[float32]", unroll: 1, numbers: map[string]float64{"zero": 0}, body: body,
	}
}

func updates() []function {
	const momentum, adam, rmsprop, curvature = "LR Decay Momentum Keep Ahead Back", "LR Penalty Shrink Beta1 Rate1 Beta2 Rate2 Unroot Eps",
		"LR Decay Beta2 Rate Eps Momentum", "LR Decay Beta2 Rate Damping Momentum"
	return []function{
		update("momentum", "Momentum", "buf", momentum, stepMomentum),
		update("descent", "Momentum", "", momentum, stepDescent),
		update("adam", "Adam", "mean square", adam, func(b *builder) { stepAdam(b, false) }),
		update("amsgrad", "Adam", "mean square largest", adam, func(b *builder) { stepAdam(b, true) }),
		update("rmsprop", "RMSProp", "square", rmsprop, func(b *builder) { stepRMSProp(b, false, false) }),
		update("rmspropMomentum", "RMSProp", "square buf", rmsprop, func(b *builder) { stepRMSProp(b, false, true) }),
		update("rmspropCentered", "RMSProp", "square mean", rmsprop, func(b *builder) { stepRMSProp(b, true, false) }),
		update("rmspropCenteredMomentum", "RMSProp", "square mean buf", rmsprop, func(b *builder) { stepRMSProp(b, true, true) }),
		update("rootFree", "RootFree", "curvature", curvature, func(b *builder) { stepRootFree(b, false) }),
		update("rootFreeMomentum", "RootFree", "curvature buf", curvature, func(b *builder) { stepRootFree(b, true) }),
	}
}

// blend is old*memory + new*rate.
func (b *builder) blend(old val, memory string, new val, rate string) val {
	return b.fma(b.arg(memory), old, b.mul(b.arg(rate), new))
}

func stepDescent(b *builder) {
	w := b.load("w")
	g := b.fma(b.arg("Decay"), w, b.load("g"))
	b.store("w", b.fnma(b.arg("LR"), g, w))
}

func stepMomentum(b *builder) {
	w := b.load("w")
	g := b.fma(b.arg("Decay"), w, b.load("g"))
	buf := b.blend(b.load("buf"), "Momentum", g, "Keep")
	b.store("buf", buf)
	direction := b.blend(g, "Ahead", buf, "Back")
	b.store("w", b.fnma(b.arg("LR"), direction, w))
}

func stepAdam(b *builder, largest bool) {
	w := b.load("w")
	g := b.fma(b.arg("Penalty"), w, b.load("g"))
	mean := b.blend(b.load("mean"), "Beta1", g, "Rate1")
	b.store("mean", mean)
	square := b.blend(b.load("square"), "Beta2", b.mul(g, g), "Rate2")
	b.store("square", square)
	if largest {
		square = b.max(b.load("largest"), square)
		b.store("largest", square)
	}
	under := b.fma(b.sqrt(square), b.arg("Unroot"), b.arg("Eps"))
	u := b.keep(b.cmp(unequal, mean, b.arg("zero")), b.div(mean, under))
	b.store("w", b.fnma(b.arg("LR"), u, b.mul(w, b.arg("Shrink"))))
}

func stepRMSProp(b *builder, centered, momentum bool) {
	w := b.load("w")
	g := b.fma(b.arg("Decay"), w, b.load("g"))
	square := b.blend(b.load("square"), "Beta2", b.mul(g, g), "Rate")
	b.store("square", square)
	if centered {
		mean := b.blend(b.load("mean"), "Beta2", g, "Rate")
		b.store("mean", mean)
		square = b.max(b.arg("zero"), b.fnma(mean, mean, square))
	}
	u := b.keep(b.cmp(unequal, g, b.arg("zero")), b.div(g, b.add(b.sqrt(square), b.arg("Eps"))))
	b.descend(w, u, momentum)
}

func stepRootFree(b *builder, momentum bool) {
	w, g := b.load("w"), b.load("g")
	curvature := b.blend(b.load("curvature"), "Beta2", b.mul(g, g), "Rate")
	b.store("curvature", curvature)
	u := b.keep(b.cmp(unequal, g, b.arg("zero")), b.div(g, b.add(curvature, b.arg("Damping"))))
	b.descend(w, b.fma(b.arg("Decay"), w, u), momentum)
}

// descend steps along u, through the momentum buffer where there is one.
func (b *builder) descend(w, u val, momentum bool) {
	if momentum {
		u = b.fma(b.arg("Momentum"), b.load("buf"), u)
		b.store("buf", u)
	}
	b.store("w", b.fnma(b.arg("LR"), u, w))
}
