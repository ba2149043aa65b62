package linalg

import "math"

// secularSteps bounds the steps to a root; three are usual, and bisection alone needs no more.
const secularSteps = 200

// secular is, at a point, the function whose roots are the eigenvalues of diag(d) + rho·z·zᵀ:
//
//	1/rho + Σ z²/(d - origin - tau)
//
// and its first derivative and half its second one. left and right are the sums over the poles on either side.
type secular struct{ value, left, right, slope, curve float64 }

// evaluate gives the secular function at origin + tau, where origin is one of the poles; those up to split are on the left.
func (m *eigenMerge) evaluate(split int, origin, tau float64) (f secular) {
	k := roundUp(len(m.kept), lanes64)
	d, z := m.dk[m.lo:][:k], m.zk[m.lo:][:k]
	lo, hi := (split+1)&^(lanes64-1), roundUp(split+1, lanes64)
	var rightSlope, rightCurve float64
	f.left, f.slope, f.curve = m.isa.poles(d[:lo], z[:lo], origin, tau)
	f.right, rightSlope, rightCurve = m.isa.poles(d[hi:], z[hi:], origin, tau)
	left, slope, curve := polesGeneric(d[lo:split+1], z[lo:split+1], origin, tau)
	right, slope2, curve2 := polesGeneric(d[split+1:hi], z[split+1:hi], origin, tau)
	f.left += left
	f.right += right
	f.slope += rightSlope + slope + slope2
	f.curve += rightCurve + curve + curve2
	f.value = 1/m.rho + (f.left + f.right)
	return f
}

// settled reports whether the value is within its rounding of 0 (Gu, Eisenstat 1995).
func (m *eigenMerge) settled(f *secular, tau float64) bool {
	terms := float64(max(len(m.kept), lanes64))
	return math.Abs(f.value) <= unitRoundoff*(terms*(1/m.rho+math.Abs(f.left)+math.Abs(f.right))+math.Abs(tau)*f.slope)
}

// findRoots finds eigenvalues lo to hi of the update and stores their distances from the poles as rows of the update.
func (m *eigenMerge) findRoots(_, lo, hi int) {
	d := m.dk[m.lo:][:roundUp(len(m.kept), lanes64)]
	for i := lo; i < hi; i++ {
		origin, tau := m.root(i)
		m.roots[m.lo+i] = origin + tau
		row := m.update(i)
		for j, pole := range d {
			row[j] = (pole - origin) - tau
		}
	}
}

// root finds eigenvalue i, between pole i and the next one, as a distance from the nearer of them.
func (m *eigenMerge) root(i int) (origin, tau float64) {
	k := len(m.kept)
	d, z := m.dk[m.lo:][:k], m.zk[m.lo:][:k]
	if k == 1 {
		return d[0], m.rho * z[0] * z[0]
	}
	left, right, last := i, i+1, i == k-1 // poles of the interpolation; those of the last root are both left of it
	var lo, hi float64                    // tau is between
	if last {
		left, right = i-1, i
		for _, x := range z {
			hi += x * x
		}
		hi *= m.rho
	} else {
		hi = d[right] - d[left]
	}
	origin, tau = d[i], hi/2
	f := m.evaluate(left, origin, tau)
	if f.value < 0 && !last {
		origin = d[right]
		lo, hi, tau = -hi, 0, -tau
	}
	slow := false
	for range secularSteps {
		if m.settled(&f, tau) {
			break
		}
		if f.value > 0 {
			hi = tau
		} else {
			lo = tau
		}
		p, q := (d[left]-origin)-tau, (d[right]-origin)-tau
		next := tau
		if last {
			next += f.stepBeyond(p, q, z[right])
		} else {
			next += f.step(p, q)
		}
		if slow || !(next > lo && next < hi) {
			next = middle(lo, hi)
		}
		if next == lo || next == hi {
			break
		}
		before := f.value
		tau = next
		f = m.evaluate(left, origin, tau)
		slow = !slow && math.Abs(f.value) > math.Abs(before)/2
	}
	return origin, tau
}

// middle is between lo and hi, which have one sign: by order of magnitude when both are known.
func middle(lo, hi float64) float64 {
	if lo*hi > 0 {
		return math.Copysign(math.Sqrt(math.Abs(lo))*math.Sqrt(math.Abs(hi)), lo)
	}
	return lo + (hi-lo)/2
}

// step is the way to the root of c + s/(p-x) + S/(q-x) between the poles p < 0 < q, with c, s, S such that value and two
// derivatives at 0 are those of f (Borges, Gragg 1993). Such steps converge cubically.
func (f *secular) step(p, q float64) float64 {
	s := p * (q*f.curve - f.slope) / (q - p)
	c := f.value - p*s - q*(f.slope-s)
	a := (p+q)*f.value - p*q*f.slope
	b := p * q * f.value
	root := math.Sqrt(max(a*a-4*b*c, 0))
	if a <= 0 {
		return (a - root) / (2 * c)
	}
	return 2 * b / (a + root)
}

// stepBeyond is the way to the root right of the two last poles: the last one keeps its weight z², the other one stands for
// the rest (Li 1994).
func (f *secular) stepBeyond(p, q, z float64) float64 {
	w := z / q * (z / q)
	c := f.value - p*(f.slope-w) - q*w
	a := (p+q)*f.value - p*q*f.slope
	b := p * q * f.value
	root := math.Sqrt(max(a*a-4*b*c, 0))
	if a >= 0 {
		return (a + root) / (2 * c)
	}
	return 2 * b / (a - root)
}

// refreshZ computes, for some vectors of ranks, the z of which the roots are the exact eigenvalues: with it eigenvectors are
// orthogonal however close the roots (Gu, Eisenstat 1994).
func (m *eigenMerge) refreshZ(_, lo, hi int) {
	k := len(m.kept)
	d := m.dk[m.lo:][:roundUp(k, lanes64)]
	lo, hi = lo*lanes64, min(hi*lanes64, len(d))
	w := m.zhat[m.lo:][:len(d)]
	for j := lo; j < hi; j++ {
		w[j] = 1
	}
	for i := range k {
		delta, own := m.update(i), i&^(lanes64-1)
		if own < lo || own >= hi {
			m.isa.loewner(w[lo:hi], delta[lo:hi], d[lo:hi], d[i])
			continue
		}
		m.isa.loewner(w[lo:own], delta[lo:own], d[lo:own], d[i])
		for j := own; j < own+lanes64; j++ {
			if j == i {
				w[j] *= delta[j]
			} else {
				w[j] *= delta[j] / (d[j] - d[i])
			}
		}
		own += lanes64
		m.isa.loewner(w[own:hi], delta[own:hi], d[own:hi], d[i])
	}
	for j := lo; j < min(hi, k); j++ {
		w[j] = math.Copysign(math.Sqrt(math.Abs(w[j])), m.zk[m.lo+j])
	}
	for j := max(lo, k); j < hi; j++ {
		w[j] = 0
	}
}

// setVectors turns rows of distances into eigenvectors of the update, of length 1, their elements in order of class.
func (m *eigenMerge) setVectors(_, lo, hi int) {
	k := len(m.kept)
	z := m.zhat[m.lo:][:roundUp(k, lanes64)]
	buf := m.packs()[lo/rootGrain*len(z):][:len(z)]
	for i := lo; i < hi; i++ {
		row := m.update(i)
		copy(buf, row)
		scale := 1 / math.Sqrt(m.isa.quotients(buf, z))
		for at, rank := range m.column[:k] {
			row[at] = buf[rank] * scale
		}
	}
}
