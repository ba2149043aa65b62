package main

import "math"

// magic added to a number of less than 2^22 rounds it to an integer, which the low bits then hold.
const magic = 3 << 22

const (
	ln2High = 0.693145751953125 // the first 16 bits, so that products with exponents are exact
	ln2Low  = math.Ln2 - ln2High
)

// The minimax fits are our own: Lawson's iteration of weighted least squares on the relative error of the result, with
// coefficients rounded to float32 one by one. The errors given are of the fit alone.
var (
	// (exp(r)-1-r)/r² on |r| <= ln2/2, 3e-9 of exp(r).
	expFit = []float64{0.00138207339, 0.00836867746, 0.0416682661, 0.166665211, 0.49999994}

	// (log(1+f)-f+f²/2)/f³ on [-1/4, 1/2], 5e-9 of the logarithm.
	logFit = []float64{-0.0451024659, 0.104697064, -0.131655529, 0.144788966, -0.166469783, 0.199907884, -0.250001013, 0.333334506}

	// erf(a)/a - 1 in a² on a <= 3/4, 2e-9 of erf(a).
	erfFit = []float64{-0.00067375839, 0.00511315698, -0.0268343352, 0.11283379, -0.3761262, 0.128379166}

	// Φ(-a)*exp(a²/2) for the normal distribution Φ, as a quotient in a on [0, 14.5], 6e-9.
	tailOver  = []float64{0.0041162916, 0.0406331124, 0.183234805, 0.438294511, 0.5}
	tailUnder = []float64{0.0103178932, 0.101858556, 0.46946975, 1.20250177, 1.674474, 1}
)

// stretched are the coefficients of the polynomial in s*x.
func stretched(coefficients []float64, s float64) []float64 {
	scaled := make([]float64, len(coefficients))
	for i, c := range coefficients {
		scaled[i] = c * math.Pow(s, float64(len(coefficients)-1-i))
	}
	return scaled
}

// power is exp(y) = 2^n*(1+minus1) in the making; shifted is magic + n.
type power struct{ n, shifted, minus1 val }

// split reduces y + less, of which less is a small correction or 0.
func (b *builder) split(y, less val) power {
	shifted := b.fma(y, b.num(math.Log2E), b.num(magic))
	n := b.sub(shifted, b.num(magic))
	r := b.fnma(n, b.num(ln2High), y)
	r = b.fnma(n, b.num(ln2Low), r)
	if less != 0 {
		r = b.add(r, less)
	}
	p := b.poly(r, expFit...)
	return power{n, shifted, b.fma(b.mul(r, r), p, r)}
}

// valueOf is exp(y), also where it overflows or is subnormal.
func (b *builder) valueOf(p power) val {
	if b.wide() {
		return b.normalValueOf(p)
	}
	one := b.bits(0x3f800000)
	n := b.bin("VPSUBD", p.shifted, b.num(magic))
	half := b.imm("VPSRAD", 1, n)
	rest := b.bin("VPSUBD", n, half)
	v := b.mul(b.add(p.minus1, b.num(1)), b.bin("VPADDD", b.imm("VPSLLD", 23, half), one))
	return b.mul(v, b.bin("VPADDD", b.imm("VPSLLD", 23, rest), one))
}

// normalValueOf is exp(y) where that is a normal number.
func (b *builder) normalValueOf(p power) val {
	v := b.add(p.minus1, b.num(1))
	if b.wide() {
		return b.bin("VSCALEFPS", v, p.n)
	}
	return b.mul(v, b.powerOf2(p))
}

func (b *builder) powerOf2(p power) val {
	return b.bin("VPADDD", b.imm("VPSLLD", 23, p.shifted), b.bits(0x3f800000))
}

// A result that is too small for a float32 costs a processor a hundred times what others do, and masks of attention
// make many. So lanes below a bound compute exp(0), and become 0 in the end.
const (
	zeroBelow   = -104 // exp is 0 from here on
	normalBelow = -87  // exp is a normal number down to here
)

// exp is infinite from the upper clamp on; NaN passes all.
func (b *builder) exp(x val) val {
	alive := b.cmp(notLess, x, b.num(zeroBelow))
	return b.keep(alive, b.valueOf(b.split(b.min(b.arg("high"), b.keep(alive, x)), 0)))
}

func (b *builder) abs(x val) val  { return b.and(x, b.bits(0x7fffffff)) }
func (b *builder) sign(x val) val { return b.and(x, b.bits(0x80000000)) }

// gauss is exp(-s*a²) where that is normal, with the rounding error of the square made good, as the exponential
// magnifies it.
func (b *builder) gauss(a val, s float64) (e, square val) {
	square = b.mul(a, a)
	lost := b.mul(b.fms(a, a, square), b.num(-s))
	return b.normalValueOf(b.split(b.mul(square, b.num(-s)), lost)), square
}

func (b *builder) log(x val) val {
	var exponent, m val
	if b.wide() {
		m = b.imm("VGETMANTPS", 0xb, x) // in [3/4, 3/2), NaN for negative x
		exponent = b.sub(b.step(step{op: "VGETEXPPS", src: []val{x}}, false), b.step(step{op: "VGETEXPPS", src: []val{m}}, false))
	} else {
		small := b.cmp(less, x, b.num(0x1p-126))
		normal := b.choose(small, b.mul(x, b.num(0x1p23)), x)
		e := b.imm("VPSRAD", 23, b.bin("VPSUBD", normal, b.num(0.75)))
		m = b.bin("VPSUBD", normal, b.imm("VPSLLD", 23, e))
		exponent = b.add(b.step(step{op: "VCVTDQ2PS", src: []val{e}}, false), b.keep(small, b.num(-23)))
	}
	f := b.sub(m, b.num(1))
	tail := b.fma(f, b.poly(f, logFit...), b.num(-0.5))
	tail = b.fma(b.mul(f, f), tail, b.mul(exponent, b.num(ln2Low)))
	r := b.fma(exponent, b.num(ln2High), b.add(f, tail))
	if b.wide() {
		return r // 0 and infinity have infinite exponents
	}
	zero, inf := b.num(0), b.num(math.Inf(1))
	r = b.choose(b.cmp(less, x, zero), b.bits(0x7fc00000), r)
	r = b.choose(b.cmp(equal, x, zero), b.num(math.Inf(-1)), r)
	return b.choose(b.cmp(notLess, x, inf), x, r)
}

// tanh is u/(u+2) for u = exp(2|x|)-1.
func (b *builder) tanh(x val) val {
	a := b.abs(x)
	p := b.split(b.min(b.arg("high"), b.add(a, a)), 0)
	two := b.powerOf2(p)
	u := b.fma(two, p.minus1, b.sub(two, b.num(1)))
	return b.or(b.div(u, b.add(u, b.num(2))), b.sign(x))
}

// logistic gives z = exp(-|x|), 1+z, and z or 1: what 1+z is divided into for 1/(1+exp(-x)). z is 0 below the bound.
func (b *builder) logistic(x val, bound float64) (z, under, over val) {
	y := b.or(x, b.bits(0x80000000))
	alive := b.cmp(notLess, y, b.num(bound))
	p := b.split(b.keep(alive, y), 0)
	if bound < normalBelow {
		z = b.valueOf(p)
	} else {
		z = b.normalValueOf(p)
	}
	z = b.keep(alive, z)
	return z, b.add(z, b.num(1)), b.choose(b.cmp(less, x, b.num(0)), z, b.num(1))
}

func (b *builder) sigmoid(x val) val {
	_, under, over := b.logistic(x, zeroBelow)
	return b.div(over, under)
}

// erf is a+a*fit for small a = |x|, 1 minus the tail for others.
func (b *builder) erf(x val) val {
	a := b.min(b.arg("high"), b.abs(x))
	e, square := b.gauss(a, 1)
	small := b.fma(a, b.poly(square, erfFit...), a)
	over := b.poly(a, stretched(tailOver, math.Sqrt2)...)
	under := b.poly(a, stretched(tailUnder, math.Sqrt2)...)
	large := b.fnma(b.mul(e, b.num(2)), b.div(over, under), b.num(1))
	return b.or(b.choose(b.cmp(less, a, b.num(0.75)), small, large), b.sign(x))
}

// tailOf gives exp(-x²/2), or 0 where that is below all normal numbers, the quotient of Φ(-|x|) by it, and x within the
// bound of that.
func (b *builder) tailOf(x val) (e, quotient, bounded val) {
	a := b.min(b.arg("high"), b.abs(x))
	e, _ = b.gauss(a, 0.5)
	e = b.keep(b.cmp(notLess, b.arg("high"), b.abs(x)), e)
	return e, b.div(b.poly(a, tailOver...), b.poly(a, tailUnder...)), b.or(a, b.sign(x))
}

// gelu multiplies by the exponential last, as Φ may be subnormal where x*Φ is not.
func (b *builder) gelu(x val) val {
	e, quotient, bounded := b.tailOf(x)
	tail := b.mul(b.mul(bounded, quotient), e)
	return b.choose(b.cmp(less, x, b.num(0)), tail, b.sub(x, tail))
}

func (b *builder) geluGrad(dy, x val) val {
	e, quotient, bounded := b.tailOf(x)
	tail := b.mul(e, quotient)
	phi := b.choose(b.cmp(less, x, b.num(0)), tail, b.sub(b.inReg(b.num(1)), tail))
	return b.mul(dy, b.fma(b.mul(e, b.num(1/math.Sqrt(2*math.Pi))), bounded, phi))
}

// The tanh form of GELU is x*sigmoid(slope*x + cubic*x³).
var (
	slope = 2 * math.Sqrt(2/math.Pi)
	cubic = 0.044715 * slope
)

func (b *builder) geluTanh(x val) val {
	x = b.max(b.arg("minus"), x) // the result is 0 below, and infinity times 0 NaN
	_, under, over := b.logistic(b.mul(x, b.fma(b.mul(x, x), b.num(cubic), b.num(slope))), normalBelow)
	return b.mul(x, b.div(over, under))
}

func (b *builder) geluTanhGrad(dy, x val) val {
	x = b.max(b.arg("minus"), b.min(b.arg("plus"), x))
	square := b.mul(x, x)
	z, under, over := b.logistic(b.mul(x, b.fma(square, b.num(cubic), b.num(slope))), normalBelow)
	inverse := b.div(b.inReg(b.num(1)), under)
	inner := b.mul(x, b.fma(square, b.num(3*cubic), b.num(slope)))
	return b.mul(dy, b.fma(b.mul(inner, b.mul(z, inverse)), inverse, b.mul(over, inverse)))
}

func transcendentals() []function {
	with := func(numbers map[string]float64, f function) function {
		f.numbers = numbers
		return f
	}
	expRange := map[string]float64{"high": 89}
	return []function{
		with(expRange, map1("exp", (*builder).exp)),
		with(expRange, function{
			name: "expShiftSum", slices: []string{"dst", "x"}, scalars: []string{"shift"}, unroll: 1,
			accs: 1, result: "float32", fold: "VADDPS", body: func(b *builder) {
				e := b.exp(b.sub(b.load("x"), b.arg("shift")))
				b.store("dst", e)
				b.into("VADDPS", b.accs[0], b.whole(e))
			},
		}),
		map1("log", (*builder).log),
		with(map[string]float64{"high": 20}, map1("tanh", (*builder).tanh)),
		map1("sigmoid", (*builder).sigmoid),
		with(map[string]float64{"high": 4}, map1("erf", (*builder).erf)),
		with(map[string]float64{"high": 13}, map1("gelu", (*builder).gelu)),
		with(map[string]float64{"high": 13}, map2("geluGrad", (*builder).geluGrad)),
		with(map[string]float64{"minus": -20}, map1("geluTanh", (*builder).geluTanh)),
		with(map[string]float64{"minus": -20, "plus": 20}, map2("geluTanhGrad", (*builder).geluTanhGrad)),
	}
}
