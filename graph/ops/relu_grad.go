package ops

func init() {
	activationGrad("ReluGrad", func(dy, y float64) float64 {
		if y > 0 {
			return dy
		}
		return 0
	}, -2, 2)
}
