package linalg

// vectorCall calls a function on some of five slices: three of any sign, then two above 1.
type vectorCall struct {
	name string
	call func(s [5][]float32) float64

	// tol bounds the difference between instruction sets, in units of the last place of 1 + |result|.
	tol float64
}

var vectorCalls = []vectorCall{
	{"add", func(s [5][]float32) float64 { Add(s[0], s[1], s[2]); return 0 }, 0},
	{"sub", func(s [5][]float32) float64 { Sub(s[0], s[1], s[2]); return 0 }, 0},
	{"mul", func(s [5][]float32) float64 { Mul(s[0], s[1], s[2]); return 0 }, 0},
	{"div", func(s [5][]float32) float64 { Div(s[0], s[1], s[2]); return 0 }, 0},
	{"maximum", func(s [5][]float32) float64 { Maximum(s[0], s[1], s[2]); return 0 }, 0},
	{"minimum", func(s [5][]float32) float64 { Minimum(s[0], s[1], s[2]); return 0 }, 0},
	{"add scalar", func(s [5][]float32) float64 { AddScalar(s[0], s[1], 0.3); return 0 }, 0},
	{"scale", func(s [5][]float32) float64 { Scale(s[0], s[1], 0.3); return 0 }, 0},
	{"div scalar", func(s [5][]float32) float64 { DivScalar(s[0], s[1], 0.3); return 0 }, 0},
	{"scalar sub", func(s [5][]float32) float64 { ScalarSub(s[0], 0.3, s[1]); return 0 }, 0},
	{"scalar div", func(s [5][]float32) float64 { ScalarDiv(s[0], 0.3, s[1]); return 0 }, 0},
	{"max scalar", func(s [5][]float32) float64 { MaxScalar(s[0], s[1], 0.3); return 0 }, 0},
	{"min scalar", func(s [5][]float32) float64 { MinScalar(s[0], s[1], 0.3); return 0 }, 0},
	{"relu", func(s [5][]float32) float64 { Relu(s[0], s[1]); return 0 }, 0},
	{"relu grad", func(s [5][]float32) float64 { ReluGrad(s[0], s[1], s[2]); return 0 }, 0},
	{"clamp", func(s [5][]float32) float64 { Clamp(s[0], s[1], -0.3, 0.5); return 0 }, 0},
	{"clamp grad", func(s [5][]float32) float64 { ClampGrad(s[0], s[1], s[2], -0.1, 0.1); return 0 }, 0},
	{"sigmoid grad", func(s [5][]float32) float64 { SigmoidGrad(s[0], s[1], s[2]); return 0 }, 0},
	{"tanh grad", func(s [5][]float32) float64 { TanhGrad(s[0], s[1], s[2]); return 0 }, 2},
	{"abs", func(s [5][]float32) float64 { Abs(s[0], s[1]); return 0 }, 0},
	{"sqrt", func(s [5][]float32) float64 { Sqrt(s[0], s[1]); return 0 }, 0},
	{"axpy", func(s [5][]float32) float64 { Axpy(s[0], 0.3, s[1]); return 0 }, 1},
	{"mul add", func(s [5][]float32) float64 { MulAdd(s[0], s[1], s[2]); return 0 }, 2},
	{"scale shift", func(s [5][]float32) float64 { ScaleShift(s[0], s[1], 0.3, -2); return 0 }, 1},
	{"shift scale", func(s [5][]float32) float64 { ShiftScale(s[0], s[1], 0.3, -2); return 0 }, 0},
	{"shift mul", func(s [5][]float32) float64 { ShiftMul(s[0], s[1], 0.3, s[2]); return 0 }, 0},
	{"affine2", func(s [5][]float32) float64 { Affine2(s[0], 0.3, s[1], -2, s[2], 0.7); return 0 }, 3},
	{"mix", func(s [5][]float32) float64 { Mix(s[0], 0.3, s[1], -2.1, s[2]); return 0 }, 0},
	{"mix square", func(s [5][]float32) float64 { MixSquare(s[0], 0.3, s[1], -2.1, s[2]); return 0 }, 0},
	{"add scaled", func(s [5][]float32) float64 { AddScaled(s[0], s[1], 0.3, s[2]); return 0 }, 0},
	{"scale add", func(s [5][]float32) float64 { ScaleAdd(s[0], s[1], 0.3, -2.1); return 0 }, 0},
	{"normalize", func(s [5][]float32) float64 { Normalize(s[0], s[1], 0.3, 2, s[2], s[3]); return 0 }, 3},

	{"sum", func(s [5][]float32) float64 { return float64(Sum(s[1])) }, 60},
	{"dot", func(s [5][]float32) float64 { return float64(Dot(s[1], s[2])) }, 60},
	{"dot, shifted", func(s [5][]float32) float64 { return float64(DotDiff(s[1], s[2], 0.3)) }, 60},
	{"sum of squares", func(s [5][]float32) float64 { return SumSquares(s[1]) }, 1e-6},
	{"sum of squared differences", func(s [5][]float32) float64 { return float64(SumSquaredDiff(s[1], 0.3)) }, 60},
	{"max", func(s [5][]float32) float64 { return float64(Max(s[1])) }, 0},

	{"exp", func(s [5][]float32) float64 { Exp(s[0], s[1]); return 0 }, 2},
	{"exp shift sum", func(s [5][]float32) float64 { return float64(ExpShiftSum(s[0], s[1], 0.3)) }, 60},
	{"log", func(s [5][]float32) float64 { Log(s[0], s[3]); return 0 }, 2},
	{"tanh", func(s [5][]float32) float64 { Tanh(s[0], s[1]); return 0 }, 2},
	{"sigmoid", func(s [5][]float32) float64 { Sigmoid(s[0], s[1]); return 0 }, 2},
	{"erf", func(s [5][]float32) float64 { Erf(s[0], s[1]); return 0 }, 2},
	{"gelu", func(s [5][]float32) float64 { Gelu(s[0], s[1]); return 0 }, 2},
	{"gelu grad", func(s [5][]float32) float64 { GeluGrad(s[0], s[1], s[2]); return 0 }, 4},
	{"gelu tanh", func(s [5][]float32) float64 { GeluTanh(s[0], s[1]); return 0 }, 2},
	{"gelu tanh grad", func(s [5][]float32) float64 { GeluTanhGrad(s[0], s[1], s[2]); return 0 }, 4},
}

var updateCalls = []vectorCall{
	{"descent", func(s [5][]float32) float64 { aMomentum.Step(s[0], s[1], nil); return 0 }, 3},
	{"momentum", func(s [5][]float32) float64 { aMomentum.Step(s[0], s[1], s[2]); return 0 }, 4},
	{"adam", func(s [5][]float32) float64 { anAdam.Step(s[0], s[1], s[2], s[3], nil); return 0 }, 4},
	{"amsgrad", func(s [5][]float32) float64 { anAdam.Step(s[0], s[1], s[2], s[3], s[4]); return 0 }, 4},
	{"rmsprop", func(s [5][]float32) float64 { anRMSProp.Step(s[0], s[1], s[3], nil, nil); return 0 }, 4},
	{"rmsprop, momentum", func(s [5][]float32) float64 { anRMSProp.Step(s[0], s[1], s[3], nil, s[2]); return 0 }, 4},
	{"rmsprop, centered", func(s [5][]float32) float64 { anRMSProp.Step(s[0], s[1], s[3], s[2], nil); return 0 }, 4},
	{"rmsprop, both", func(s [5][]float32) float64 { anRMSProp.Step(s[0], s[1], s[3], s[2], s[4]); return 0 }, 4},
	{"root-free", func(s [5][]float32) float64 { aRootFree.Step(s[0], s[1], s[3], nil); return 0 }, 4},
	{"root-free, momentum", func(s [5][]float32) float64 { aRootFree.Step(s[0], s[1], s[3], s[2]); return 0 }, 4},
}

var (
	aMomentum = Momentum[float32]{LR: 0.1, Decay: 0.01, Momentum: 0.9, Keep: 0.8, Ahead: 1, Back: 0.7}
	anAdam    = Adam[float32]{LR: 0.1, Penalty: 0.01, Shrink: 0.99, Beta1: 0.9, Rate1: 0.1, Beta2: 0.95, Rate2: 0.05, Unroot: 1.3, Eps: 1e-3}
	anRMSProp = RMSProp[float32]{LR: 0.1, Decay: 0.01, Beta2: 0.9, Rate: 0.1, Eps: 1e-3, Momentum: 0.9}
	aRootFree = RootFree[float32]{LR: 0.1, Decay: 0.01, Beta2: 0.9, Rate: 0.3, Damping: 1e-3, Momentum: 0.9}
)
