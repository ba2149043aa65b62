package main

import "math"

func reductions() []function {
	sum := function{name: "sum", slices: []string{"x"}, body: func(b *builder) {
		b.into("VADDPS", b.accs[0], b.load("x"))
	}}
	dot := function{name: "dot", slices: []string{"x", "y"}, body: func(b *builder) {
		x := b.load("x")
		b.fmaInto("VFMADD231PS", b.accs[0], x, b.load("y"))
	}}
	dotDiff := function{name: "dotDiff", slices: []string{"x", "y"}, scalars: []string{"m"}, body: func(b *builder) {
		x := b.load("x")
		b.fmaInto("VFMADD231PS", b.accs[0], x, b.whole(b.sub(b.load("y"), b.arg("m"))))
	}}
	sumSquaredDiff := function{name: "sumSquaredDiff", slices: []string{"x"}, scalars: []string{"m"}, body: func(b *builder) {
		d := b.whole(b.sub(b.load("x"), b.arg("m")))
		b.fmaInto("VFMADD231PS", b.accs[0], d, d)
	}}
	largest := function{name: "max", slices: []string{"x"}, start: math.Inf(-1), fold: "VMAXPS", body: func(b *builder) {
		acc := b.accs[0]
		maxInto(b, acc, b.wholeOr(b.load("x"), acc))
	}}
	all := unrolled(4, sum, dot, dotDiff, sumSquaredDiff, largest)
	for i := range all {
		all[i].accs, all[i].result = 1, "float32"
		if all[i].fold == "" {
			all[i].fold = "VADDPS"
		}
	}
	return append(all, sumSquares())
}

// maxInto sets acc to NaN, once either is, or to the larger of acc and x. VMAXPS keeps acc where either is NaN.
func maxInto(b *builder, acc, x val) {
	bad := b.cmp(unordered, x, x)
	b.steps = append(b.steps, step{op: "VMAXPS", src: []val{acc, x}, dst: acc})
	if b.wide() {
		b.steps = append(b.steps, step{op: "VMOVAPS", src: []val{x, bad}, dst: acc})
		return
	}
	b.steps = append(b.steps, step{op: "VBLENDVPS", src: []val{bad, x, acc}, dst: acc})
}

// sumSquares widens both halves of a vector to float64.
func sumSquares() function {
	return function{
		name: "sumSquares", slices: []string{"x"}, unroll: 2, accs: 2, result: "float64", fold: "VADDPD",
		body: func(b *builder) {
			x := b.load("x")
			for k, half := range b.halves(x) {
				b.fmaInto("VFMADD231PD", b.accs[k], half, half)
			}
		},
	}
}
