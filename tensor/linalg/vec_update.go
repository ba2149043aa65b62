package linalg

// Float is a precision that updates of parameters are computed in. Updates in float32 have assembly; those in float64
// run the portable loops.
type Float interface{ float32 | float64 }

// Momentum is a step of gradient descent with a heavy ball, element by element:
//
//	g   = g + Decay*w
//	buf = Momentum*buf + Keep*g
//	w   = w - LR*(Ahead*g + Back*buf)
//
// Ahead and Back are 0 and 1, or with Nesterov's look ahead 1 and the momentum.
type Momentum[T Float] struct{ LR, Decay, Momentum, Keep, Ahead, Back T }

// Adam is a step of Adam, with decay in the gradient (Penalty) or of the weights (Shrink), element by element:
//
//	g       = g + Penalty*w
//	mean    = Beta1*mean + Rate1*g
//	square  = Beta2*square + Rate2*g²
//	largest = max(largest, square)
//	w       = Shrink*w - LR*mean/(√largest*Unroot + Eps)
//
// The quotient is 0 where mean is.
type Adam[T Float] struct{ LR, Penalty, Shrink, Beta1, Rate1, Beta2, Rate2, Unroot, Eps T }

// RMSProp is a step of RMSProp, element by element:
//
//	g      = g + Decay*w
//	square = Beta2*square + Rate*g²
//	mean   = Beta2*mean + Rate*g
//	buf    = Momentum*buf + g/(√(square - mean²) + Eps)
//	w      = w - LR*buf
//
// The quotient is 0 where g is.
type RMSProp[T Float] struct{ LR, Decay, Beta2, Rate, Eps, Momentum T }

// RootFree is a step of the root-free RMSProp, element by element:
//
//	curvature = Beta2*curvature + Rate*g²
//	buf       = Momentum*buf + g/(curvature + Damping) + Decay*w
//	w         = w - LR*buf
//
// The quotient is 0 where g is.
type RootFree[T Float] struct{ LR, Decay, Beta2, Rate, Damping, Momentum T }

// The functions of an update, by the state it has.
type (
	update0[P any] = variants[func(w, g []float32, p P)]
	update1[P any] = variants[func(w, g, a []float32, p P)]
	update2[P any] = variants[func(w, g, a, b []float32, p P)]
	update3[P any] = variants[func(w, g, a, b, c []float32, p P)]
)

var (
	vecDescent                 = update0[Momentum[float32]]{descentGeneric[float32]}
	vecMomentum                = update1[Momentum[float32]]{momentumGeneric[float32]}
	vecAdam                    = update2[Adam[float32]]{adamGeneric[float32]}
	vecAmsgrad                 = update3[Adam[float32]]{amsgradGeneric[float32]}
	vecRmsprop                 = update1[RMSProp[float32]]{rmspropPlainGeneric}
	vecRmspropMomentum         = update2[RMSProp[float32]]{rmspropMomentumGeneric}
	vecRmspropCentered         = update2[RMSProp[float32]]{rmspropCenteredGeneric}
	vecRmspropCenteredMomentum = update3[RMSProp[float32]]{rmspropGeneric[float32]}
	vecRootFree                = update1[RootFree[float32]]{rootFreePlainGeneric}
	vecRootFreeMomentum        = update2[RootFree[float32]]{rootFreeGeneric[float32]}
)

// Step updates len(g) elements of w; without buf it steps along g itself.
func (p Momentum[T]) Step(w, g, buf []T) {
	q, ok := any(p).(Momentum[float32])
	switch {
	case !ok && buf == nil:
		descentGeneric(w, g, p)
		return
	case !ok:
		momentumGeneric(w, g, buf, p)
		return
	}
	for lo := 0; lo < len(g); lo += block {
		hi := min(lo+block, len(g))
		w, g, buf := part(w, lo, hi), part(g, lo, hi), part(buf, lo, hi)
		if buf == nil {
			vecDescent.now()(w, g, q)
		} else {
			vecMomentum.now()(w, g, buf, q)
		}
	}
}

// Step updates len(g) elements of w; without largest the latest square divides.
func (p Adam[T]) Step(w, g, mean, square, largest []T) {
	q, ok := any(p).(Adam[float32])
	switch {
	case !ok && largest == nil:
		adamGeneric(w, g, mean, square, p)
		return
	case !ok:
		amsgradGeneric(w, g, mean, square, largest, p)
		return
	}
	for lo := 0; lo < len(g); lo += block {
		hi := min(lo+block, len(g))
		w, g, mean, square, largest := part(w, lo, hi), part(g, lo, hi), part(mean, lo, hi), part(square, lo, hi), part(largest, lo, hi)
		if largest == nil {
			vecAdam.now()(w, g, mean, square, q)
		} else {
			vecAmsgrad.now()(w, g, mean, square, largest, q)
		}
	}
}

// Step updates len(g) elements of w; without mean it counts as 0, and without buf the step is the quotient itself.
func (p RMSProp[T]) Step(w, g, square, mean, buf []T) {
	q, ok := any(p).(RMSProp[float32])
	if !ok {
		rmspropGeneric(w, g, square, mean, buf, p)
		return
	}
	for lo := 0; lo < len(g); lo += block {
		hi := min(lo+block, len(g))
		w, g, square, mean, buf := part(w, lo, hi), part(g, lo, hi), part(square, lo, hi), part(mean, lo, hi), part(buf, lo, hi)
		switch {
		case mean == nil && buf == nil:
			vecRmsprop.now()(w, g, square, q)
		case mean == nil:
			vecRmspropMomentum.now()(w, g, square, buf, q)
		case buf == nil:
			vecRmspropCentered.now()(w, g, square, mean, q)
		default:
			vecRmspropCenteredMomentum.now()(w, g, square, mean, buf, q)
		}
	}
}

// Step updates len(g) elements of w; without buf the step has no momentum.
func (p RootFree[T]) Step(w, g, curvature, buf []T) {
	q, ok := any(p).(RootFree[float32])
	if !ok {
		rootFreeGeneric(w, g, curvature, buf, p)
		return
	}
	for lo := 0; lo < len(g); lo += block {
		hi := min(lo+block, len(g))
		w, g, curvature, buf := part(w, lo, hi), part(g, lo, hi), part(curvature, lo, hi), part(buf, lo, hi)
		if buf == nil {
			vecRootFree.now()(w, g, curvature, q)
		} else {
			vecRootFreeMomentum.now()(w, g, curvature, buf, q)
		}
	}
}

// part is s[lo:hi] of what is known to be float32, nil of nil.
func part[T Float](s []T, lo, hi int) []float32 {
	if s == nil {
		return nil
	}
	return any(s).([]float32)[lo:hi]
}
