package schedule

import "math"

func init() {
	Register("cosine", Kind{
		Doc:     "half a cosine from the base rate down to end times it (Loshchilov and Hutter 2017)",
		Example: "cosine,end=0.01",
		Make: func(o Options) (Factor, error) {
			end, err := o.Fraction("end", 0)
			return func(step, total int) float64 {
				// The first step runs at the base rate and the one after the last would reach the end.
				done := min(float64(step-1)/float64(total), 1)
				return end + (1-end)*0.5*(1+math.Cos(math.Pi*done))
			}, err
		},
	})
}
