package linalg

const genericMR, genericNR = 4, 4

// multiplyGeneric is the portable micro-kernel on packed strips. It rounds after each multiplication, so that its bits
// are the same on processors whose compiler would contract.
func multiplyGeneric(t *micro) {
	var acc [genericMR * genericNR]float32
	for j := 0; j < genericNR; j += 2 {
		multiplyHalf(&acc, t.a, t.b, j, t.k)
	}
	t.store(acc[:], genericNR)
}

// multiplyHalf sums columns j and j+1: eight sums stay in registers, sixteen would not.
func multiplyHalf(acc *[genericMR * genericNR]float32, a, b []float32, j, k int) {
	var s00, s01, s10, s11, s20, s21, s30, s31 float32
	a = a[:k*genericMR]
	b = b[:k*genericNR]
	for len(a) >= genericMR && len(b) >= genericNR {
		x, y := b[j], b[j+1]
		s00 += float32(a[0] * x)
		s01 += float32(a[0] * y)
		s10 += float32(a[1] * x)
		s11 += float32(a[1] * y)
		s20 += float32(a[2] * x)
		s21 += float32(a[2] * y)
		s30 += float32(a[3] * x)
		s31 += float32(a[3] * y)
		a, b = a[genericMR:], b[genericNR:]
	}
	acc[j], acc[j+1] = s00, s01
	acc[genericNR+j], acc[genericNR+j+1] = s10, s11
	acc[2*genericNR+j], acc[2*genericNR+j+1] = s20, s21
	acc[3*genericNR+j], acc[3*genericNR+j+1] = s30, s31
}
