package ops

import "math"

func init() {
	softmaxLike("LogSoftmax", logSoftmax, "LogSoftmaxGrad", []float32{-2.4076059, -1.4076059, -0.40760595})
}

// logSoftmax replaces x by x - log(sum(exp(x))); a vector of -inf alone stays as it is.
func logSoftmax(x []float64) {
	shift := logSumExp(x)
	if math.IsInf(shift, -1) {
		return
	}
	for i := range x {
		x[i] -= shift
	}
}

// logSumExp is log(sum(exp(x))), -inf of nothing.
func logSumExp(x []float64) float64 {
	top := largest(x)
	if math.IsInf(top, 0) {
		return top
	}
	total := 0.0
	for _, v := range x {
		total += math.Exp(v - top)
	}
	return top + math.Log(total)
}
