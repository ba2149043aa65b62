package linalg

//go:generate go -C _asm run ./tap -out ..

// TapLanes is what the lengths of rows that TapSums and TapDots work on are multiples of.
const TapLanes = 16

// tapMost is how many taps a call of assembly has room for.
const tapMost = 9

var (
	tapSums = variants[func(dst *float32, n int, x, w *float32, offsets *int32, count int, bias float32)]{tapSumsGeneric}
	tapDots = variants[func(sums, y *float32, n int, x *float32, offsets *int32, count int)]{tapDotsGeneric}
)

// TapSums sets dst[i] = bias + the sum over t of w[t]*x[offsets[t]+i]: a depthwise convolution of planes that lie in x with
// their padding, where each element of the filter is a displacement.
func TapSums(dst, x, w []float32, offsets []int32, bias float32) {
	checkTaps(len(dst), x, w[:len(offsets)], offsets)
	f := tapSums.now()
	for lo := 0; lo < len(dst); lo += block {
		f(&dst[lo], min(block, len(dst)-lo), &x[lo], &w[0], &offsets[0], len(offsets), bias)
	}
}

// TapDots adds to sums the dot products of y with the rows of x that begin at the offsets: for each tap TapLanes partial
// sums.
func TapDots(sums, y, x []float32, offsets []int32) {
	checkTaps(len(y), x, sums[:TapLanes*len(offsets)], offsets)
	f := tapDots.now()
	groups := (len(offsets) + tapMost - 1) / tapMost
	each := (len(offsets) + groups - 1) / groups
	for lo := 0; lo < len(y); lo += block {
		n := min(block, len(y)-lo)
		for t := 0; t < len(offsets); t += each {
			f(&sums[TapLanes*t], &y[lo], n, &x[lo], &offsets[t], min(each, len(offsets)-t))
		}
	}
}

// checkTaps makes sure that assembly stays within x.
func checkTaps(n int, x, perTap []float32, offsets []int32) {
	if n%TapLanes != 0 || len(offsets) == 0 || len(perTap) == 0 {
		panic("linalg: rows of taps must be multiples of TapLanes, and there must be a tap")
	}
	for _, at := range offsets {
		_ = x[int(at):][:n]
	}
}
