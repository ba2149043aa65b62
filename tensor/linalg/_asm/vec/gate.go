package main

// gates are the loops of a BatchNorm with a rectifier behind it: g is what arrives where that was open, and 0 elsewhere.
func gates() []function {
	zero := map[string]float64{"zero": 0}
	open := func(b *builder, y val) val { return b.keep(b.cmp(greater, y, b.arg("zero")), b.load("dy")) }
	sums := func(b *builder, g, x val) {
		b.into("VADDPS", b.accs[0], b.whole(g))
		b.fmaInto("VFMADD231PS", b.accs[1], g, b.whole(b.sub(x, b.arg("m"))))
	}
	gatedSums := function{name: "gatedSums", slices: []string{"dy", "x"}, scalars: []string{"a", "b", "m"}, body: func(b *builder) {
		x := b.load("x")
		g := open(b, b.fma(x, b.arg("a"), b.arg("b")))
		sums(b, g, x)
	}}
	rectifiedSums := function{name: "rectifiedSums", slices: []string{"dst", "dy", "y", "x"}, scalars: []string{"m"}, body: func(b *builder) {
		g := open(b, b.load("y"))
		b.store("dst", g)
		sums(b, g, b.load("x"))
	}}
	gatedAffine2 := function{name: "gatedAffine2", slices: []string{"dst", "dy", "x"}, scalars: []string{"a", "b", "c", "d", "e"}, body: func(b *builder) {
		x := b.load("x")
		g := open(b, b.fma(x, b.arg("a"), b.arg("b")))
		b.store("dst", b.fma(g, b.arg("c"), b.fma(x, b.arg("d"), b.arg("e"))))
	}}
	scaleShiftRelu := function{name: "scaleShiftRelu", slices: []string{"dst", "x"}, scalars: []string{"a", "b"}, body: func(b *builder) {
		b.store("dst", b.max(b.arg("zero"), b.fma(b.load("x"), b.arg("a"), b.arg("b"))))
	}}
	scaleShiftAddRelu := function{name: "scaleShiftAddRelu", slices: []string{"dst", "x", "y"}, scalars: []string{"a", "b"}, body: func(b *builder) {
		y := b.add(b.fma(b.load("x"), b.arg("a"), b.arg("b")), b.load("y"))
		b.store("dst", b.max(b.arg("zero"), y))
	}}
	all := unrolled(4, gatedSums, rectifiedSums, gatedAffine2, scaleShiftRelu, scaleShiftAddRelu)
	for i := range all {
		all[i].numbers = zero
	}
	for i := range all[:2] {
		all[i].accs, all[i].results, all[i].fold = 2, []string{"sum", "product"}, "VADDPS"
	}
	return all
}
