package main

// above holds where x is above y and where either is NaN.
const above = 22

// log1p is log(1+z) for z in [0, 1]. Up to 1/2 z itself is what the fit takes, so that no digit of a small one is lost; 1+z
// is halved beyond, into the range of the fit.
func (b *builder) log1p(z val) val {
	small := b.cmp(notAbove, z, b.num(0.5))
	f := b.choose(small, z, b.mul(b.sub(z, b.num(1)), b.num(0.5)))
	tail := b.fma(f, b.poly(f, logFit...), b.num(-0.5))
	tail = b.mul(b.mul(f, f), tail)
	low := b.add(tail, b.num(ln2Low))
	large := b.add(b.add(f, low), b.num(ln2High))
	return b.choose(small, b.add(f, tail), large)
}

func (b *builder) softplus(x val) val {
	z, _, _ := b.logistic(x, zeroBelow)
	// A NaN is the second operand.
	return b.add(b.max(b.inReg(b.num(0)), x), b.log1p(z))
}

// expm1 is exp(y)-1 for y <= 0.
func (b *builder) expm1(y val) val {
	p := b.split(b.max(b.inReg(b.num(-20)), y), 0)
	two := b.powerOf2(p)
	return b.fma(two, p.minus1, b.sub(two, b.num(1)))
}

// elu is a*(exp(b*x)-1) for x <= 0, c*x beyond.
func (b *builder) elu(x val) val {
	positive := b.cmp(greater, x, b.num(0))
	y := b.expm1(b.mul(b.min(b.inReg(b.num(0)), x), b.arg("b")))
	return b.choose(positive, b.mul(x, b.arg("c")), b.mul(y, b.arg("a")))
}

// eluGrad is dy*a*b*exp(b*x) for x <= 0, dy*c beyond; a is a*b here.
func (b *builder) eluGrad(dy, x val) val {
	positive := b.cmp(greater, x, b.num(0))
	y := b.mul(b.min(b.inReg(b.num(0)), x), b.arg("b"))
	alive := b.cmp(notLess, y, b.num(normalBelow))
	e := b.keep(alive, b.normalValueOf(b.split(b.keep(alive, y), 0)))
	return b.mul(dy, b.choose(positive, b.arg("c"), b.mul(e, b.arg("a"))))
}

func (b *builder) swish(x val) val {
	_, under, over := b.logistic(b.mul(x, b.arg("a")), normalBelow)
	return b.mul(x, b.div(over, under))
}

// bounded is x within the range beyond which exp(-|x|) counts as 0; unbounded numbers times that 0 would be NaN.
func (b *builder) bounded(x val) val {
	return b.max(b.inReg(b.num(normalBelow-1)), b.min(b.inReg(b.num(1-normalBelow)), x))
}

// swishGrad is dy*(s + u*s*(1-s)) for u = a*x and s = sigmoid(u), of which s*(1-s) is z/(1+z)².
func (b *builder) swishGrad(dy, x val) val {
	u := b.bounded(b.mul(x, b.arg("a")))
	z, under, over := b.logistic(u, normalBelow)
	inverse := b.div(b.inReg(b.num(1)), under)
	slope := b.mul(b.mul(u, z), inverse)
	return b.mul(dy, b.mul(b.add(over, slope), inverse))
}

// tanhSoftplus is the quotient over/under that is tanh(log(1+exp(x))): (z²+2z)/(z²+2z+2) for x < 0 and
// (1+2z)/(1+2z+2z²) from 0 on, of z = exp(-|x|). rest is the difference of both, and one is z or 1.
func (b *builder) tanhSoftplus(x val) (over, under, rest, z, one val) {
	z, _, one = b.logistic(x, normalBelow)
	negative := b.cmp(less, x, b.num(0))
	over = b.choose(negative, b.mul(z, b.add(z, b.num(2))), b.add(b.add(z, z), b.num(1)))
	rest = b.choose(negative, b.num(2), b.mul(b.add(z, z), z))
	return over, b.add(over, rest), rest, z, one
}

func (b *builder) mish(x val) val {
	over, under, _, _, _ := b.tanhSoftplus(x)
	return b.mul(x, b.div(over, under))
}

// mishGrad is dy*(t + x*(1-t²)*sigmoid(x)) for t = tanh(softplus(x)); 1-t² is 2*rest*(1+z)²/under².
func (b *builder) mishGrad(dy, x val) val {
	x = b.bounded(x)
	over, under, rest, z, one := b.tanhSoftplus(x)
	inverse := b.div(b.inReg(b.num(1)), under)
	slope := b.mul(b.mul(b.add(rest, rest), one), b.add(z, b.num(1)))
	slope = b.mul(b.mul(x, slope), inverse)
	return b.mul(dy, b.mul(b.add(over, slope), inverse))
}

func (b *builder) softsignGrad(dy, x val) val {
	u := b.add(b.abs(x), b.num(1))
	return b.div(dy, b.mul(u, u))
}

func (b *builder) hardSwish(x val) val {
	v := b.add(b.mul(x, b.num(1.0/6)), b.num(0.5))
	return b.mul(x, b.min(b.inReg(b.num(1)), b.max(b.inReg(b.num(0)), v)))
}

func (b *builder) hardSwishGrad(dy, x val) val {
	slope := b.add(b.mul(x, b.num(1.0/3)), b.num(0.5))
	slope = b.choose(b.cmp(greater, x, b.num(3)), b.num(1), slope)
	return b.mul(dy, b.keep(b.cmp(notLess, x, b.num(-3)), slope))
}

// hardLine is a*x + b, rounded twice as in the portable form, so that both have the same kinks.
func (b *builder) hardLine(x val) val { return b.add(b.mul(x, b.arg("a")), b.arg("b")) }

func (b *builder) hardSigmoid(x val) val {
	return b.min(b.inReg(b.num(1)), b.max(b.inReg(b.num(0)), b.hardLine(x)))
}

func (b *builder) hardSigmoidGrad(dy, x val) val {
	y := b.hardLine(x)
	inside := b.keep(b.cmp(greater, y, b.num(0)), b.mul(dy, b.arg("a")))
	return b.keep(b.cmp(less, y, b.num(1)), inside)
}

func (b *builder) prelu(x, slope val) val {
	return b.choose(b.cmp(greater, x, b.num(0)), x, b.mul(x, slope))
}

func (b *builder) leakyReluGrad(dy, x val) val {
	return b.choose(b.cmp(greater, x, b.num(0)), dy, b.mul(dy, b.arg("a")))
}

func (b *builder) thresholdedRelu(x val) val { return b.keep(b.cmp(above, x, b.arg("a")), x) }

func (b *builder) thresholdedReluGrad(dy, x val) val { return b.keep(b.cmp(above, x, b.arg("a")), dy) }

func (b *builder) shrink(x val) val {
	y := b.keep(b.cmp(greater, x, b.arg("b")), b.sub(x, b.arg("a")))
	return b.choose(b.cmp(less, x, b.arg("c")), b.add(x, b.arg("a")), y)
}

func (b *builder) shrinkGrad(dy, x val) val {
	dx := b.keep(b.cmp(greater, x, b.arg("b")), dy)
	return b.choose(b.cmp(less, x, b.arg("c")), dy, dx)
}

func (b *builder) signOf(x val) val {
	y := b.choose(b.cmp(greater, x, b.num(0)), b.num(1), x)
	return b.choose(b.cmp(less, x, b.num(0)), b.num(-1), y)
}

// curves are activations that are not in func.go, and their gradients, with up to three numbers a, b, c.
func curves() []function {
	with := func(scalars []string, f function) function {
		f.scalars = scalars
		return f
	}
	a, ab, abc := []string{"a"}, []string{"a", "b"}, []string{"a", "b", "c"}
	simple := unrolled(4,
		map1("softsign", func(b *builder, x val) val { return b.div(x, b.add(b.abs(x), b.num(1))) }),
		map2("softsignGrad", (*builder).softsignGrad),
		map1("hardSwish", (*builder).hardSwish),
		map2("hardSwishGrad", (*builder).hardSwishGrad),
		map1("signOf", (*builder).signOf),
		map2("prelu", (*builder).prelu),
		mapA("leakyRelu", (*builder).prelu),
		with(a, map2("leakyReluGrad", (*builder).leakyReluGrad)),
		mapA("thresholdedRelu", func(b *builder, x, _ val) val { return b.thresholdedRelu(x) }),
		with(a, map2("thresholdedReluGrad", (*builder).thresholdedReluGrad)),
		with(ab, map1("hardSigmoid", (*builder).hardSigmoid)),
		with(ab, map2("hardSigmoidGrad", (*builder).hardSigmoidGrad)),
		with(abc, map1("shrink", (*builder).shrink)),
		with(abc, map2("shrinkGrad", (*builder).shrinkGrad)),
	)
	return append(simple,
		map1("softplus", (*builder).softplus),
		with(abc, map1("elu", (*builder).elu)),
		with(abc, map2("eluGrad", (*builder).eluGrad)),
		mapA("swish", func(b *builder, x, _ val) val { return b.swish(x) }),
		with(a, map2("swishGrad", (*builder).swishGrad)),
		map1("mish", (*builder).mish),
		map2("mishGrad", (*builder).mishGrad),
	)
}
