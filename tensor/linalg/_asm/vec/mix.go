package main

// mixes round products before they add them: they give the bits of separate multiplications and additions.
func mixes() []function {
	scaled := func(b *builder, x val, number string) val { return b.mul(x, b.arg(number)) }
	return unrolled(4,
		function{name: "mix", slices: []string{"dst", "x", "y"}, scalars: []string{"a", "b"}, body: func(b *builder) {
			x := scaled(b, b.load("x"), "a")
			b.store("dst", b.add(x, scaled(b, b.load("y"), "b")))
		}},
		function{name: "mixSquare", slices: []string{"dst", "x", "y"}, scalars: []string{"a", "b"}, body: func(b *builder) {
			x, y := scaled(b, b.load("x"), "a"), b.load("y")
			b.store("dst", b.add(x, scaled(b, b.mul(y, y), "b")))
		}},
		function{name: "addScaled", slices: []string{"dst", "x", "y"}, scalars: []string{"b"}, body: func(b *builder) {
			x := b.load("x")
			b.store("dst", b.add(x, scaled(b, b.load("y"), "b")))
		}},
		function{name: "scaleAdd", slices: []string{"dst", "x"}, scalars: []string{"a", "b"}, body: func(b *builder) {
			b.store("dst", b.add(scaled(b, b.load("x"), "a"), b.arg("b")))
		}},
	)
}
