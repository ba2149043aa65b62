package main

// map1 is dst = f(x).
func map1(name string, f func(b *builder, x val) val) function {
	return function{name: name, slices: []string{"dst", "x"}, unroll: 1, body: func(b *builder) {
		b.store("dst", f(b, b.load("x")))
	}}
}

// map2 is dst = f(x, y).
func map2(name string, f func(b *builder, x, y val) val) function {
	return function{name: name, slices: []string{"dst", "x", "y"}, unroll: 1, body: func(b *builder) {
		x := b.load("x")
		b.store("dst", f(b, x, b.load("y")))
	}}
}

// mapA is dst = f(x, a) for a number a.
func mapA(name string, f func(b *builder, x, a val) val) function {
	return function{name: name, slices: []string{"dst", "x"}, scalars: []string{"a"}, unroll: 1, body: func(b *builder) {
		b.store("dst", f(b, b.load("x"), b.arg("a")))
	}}
}

func unrolled(n int, fs ...function) []function {
	for i := range fs {
		fs[i].unroll = n
	}
	return fs
}

func arithmetic() []function {
	axpy := function{name: "axpy", slices: []string{"dst", "x"}, scalars: []string{"a"}, body: func(b *builder) {
		x := b.load("x")
		b.store("dst", b.fma(b.arg("a"), x, b.load("dst")))
	}}
	scaleShift := function{name: "scaleShift", slices: []string{"dst", "x"}, scalars: []string{"a", "b"}, body: func(b *builder) {
		b.store("dst", b.fma(b.load("x"), b.arg("a"), b.arg("b")))
	}}
	affine2 := function{name: "affine2", slices: []string{"dst", "x", "y"}, scalars: []string{"a", "b", "c"}, body: func(b *builder) {
		y := b.fma(b.load("y"), b.arg("b"), b.arg("c"))
		b.store("dst", b.fma(b.load("x"), b.arg("a"), y))
	}}
	mulAdd := function{name: "mulAdd", slices: []string{"dst", "x", "y"}, body: func(b *builder) {
		x, y := b.load("x"), b.load("y")
		b.store("dst", b.fma(x, y, b.load("dst")))
	}}
	shiftScale := function{name: "shiftScale", slices: []string{"dst", "x"}, scalars: []string{"a", "b"}, body: func(b *builder) {
		b.store("dst", b.mul(b.add(b.load("x"), b.arg("a")), b.arg("b")))
	}}
	shiftMul := function{name: "shiftMul", slices: []string{"dst", "x", "y"}, scalars: []string{"a"}, body: func(b *builder) {
		b.store("dst", b.mul(b.add(b.load("x"), b.arg("a")), b.load("y")))
	}}
	normalize := function{name: "normalize", slices: []string{"dst", "x", "y", "z"}, scalars: []string{"a", "b"}, body: func(b *builder) {
		x := b.mul(b.add(b.load("x"), b.arg("a")), b.arg("b"))
		b.store("dst", b.fma(x, b.load("y"), b.load("z")))
	}}
	relu := map1("relu", func(b *builder, x val) val { return b.max(b.arg("zero"), x) })
	reluGrad := map2("reluGrad", func(b *builder, dy, y val) val { return b.keep(b.cmp(greater, y, b.arg("zero")), dy) })
	zero := map[string]float64{"zero": 0}
	relu.numbers, reluGrad.numbers = zero, zero
	clamp := function{name: "clamp", slices: []string{"dst", "x"}, scalars: []string{"a", "b"}, body: func(b *builder) {
		// A NaN in x is the second operand of both.
		b.store("dst", b.min(b.arg("b"), b.max(b.arg("a"), b.load("x"))))
	}}
	clampGrad := function{name: "clampGrad", slices: []string{"dst", "x", "y"}, scalars: []string{"a", "b"}, body: func(b *builder) {
		y := b.load("y")
		dy := b.keep(b.cmp(notBelow, y, b.arg("a")), b.load("x"))
		b.store("dst", b.keep(b.cmp(notAbove, y, b.arg("b")), dy))
	}}
	one := map[string]float64{"one": 1}
	sigmoidGrad := map2("sigmoidGrad", func(b *builder, dy, y val) val { return b.mul(dy, b.mul(y, b.sub(b.arg("one"), y))) })
	tanhGrad := map2("tanhGrad", func(b *builder, dy, y val) val { return b.mul(dy, b.fnma(y, y, b.arg("one"))) })
	sigmoidGrad.numbers, tanhGrad.numbers = one, one
	abs := map1("abs", func(b *builder, x val) val { return b.and(x, b.bits(0x7fffffff)) })
	return unrolled(4,
		map2("add", (*builder).add),
		map2("sub", (*builder).sub),
		map2("mul", (*builder).mul),
		map2("div", (*builder).div),
		map2("maximum", maximum),
		map2("minimum", minimum),
		mapA("addScalar", (*builder).add),
		mapA("scale", (*builder).mul),
		mapA("divScalar", (*builder).div),
		mapA("scalarSub", func(b *builder, x, a val) val { return b.sub(a, x) }),
		mapA("scalarDiv", func(b *builder, x, a val) val { return b.div(a, x) }),
		mapA("maxScalar", maximum),
		mapA("minScalar", minimum),
		axpy, mulAdd, scaleShift, shiftScale, shiftMul, normalize, affine2, relu, reluGrad, clamp, clampGrad, sigmoidGrad, tanhGrad, abs,
		map1("sqrt", (*builder).sqrt),
	)
}

// maximum is NaN where x or y is: VMAXPS gives y then, which lacks the NaN of x.
func maximum(b *builder, x, y val) val { return b.choose(b.cmp(unordered, x, x), x, b.max(x, y)) }

func minimum(b *builder, x, y val) val { return b.choose(b.cmp(unordered, x, x), x, b.min(x, y)) }
