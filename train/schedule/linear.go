package schedule

func init() {
	Register("linear", Kind{
		Doc:     "a straight line from the base rate down to end times it",
		Example: "linear,end=0.1",
		Make: func(o Options) (Factor, error) {
			end, err := o.Fraction("end", 0)
			return func(step, total int) float64 {
				done := min(float64(step-1)/float64(total), 1)
				return 1 + (end-1)*done
			}, err
		},
	})
}
