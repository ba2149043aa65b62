package optimizers

import "math"

// grafted is the step of the method whose length is taken.
func (w *shampooWork[T]) grafted(g []T) []T {
	if w.graft == nil {
		return g
	}
	scale := T(1)
	if w.Graft == "adam" {
		scale = T(w.correction(w.graftMemory()))
	}
	out := w.take(len(g))
	damping := T(w.GraftDamping)
	for i, x := range g {
		out[i] = 0
		if x != 0 { // without damping the square may be 0 too
			out[i] = x / (T(math.Sqrt(float64(w.graft[i]/scale))) + damping)
		}
	}
	return out
}

// length is the Euclidean norm.
func length[T number](x []T) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

// decaying is what old and new weigh in an average with the given memory; in a sum, which memory 1 means, both 1.
func decaying[T number](memory float64) (old, new T) {
	if memory == 1 {
		return 1, 1
	}
	return T(memory), T(1 - memory)
}

// correction divides the start at 0 out of an average with the given memory.
func (w *shampooWork[T]) correction(memory float64) float64 {
	if memory == 1 {
		return 1
	}
	return 1 - math.Pow(memory, float64(w.step))
}
