package schedule

import "math"

func init() {
	Register("onecycle", Kind{
		Doc:       "cosine up from start to the base rate over the first rise of the run, then down to end (Smith and Topin 2018)",
		Example:   "onecycle,rise=0.3,start=0.04,end=0.0004",
		OwnWarmup: true,
		Make: func(o Options) (Factor, error) {
			rise, err := o.Fraction("rise", 0.3)
			if err != nil {
				return nil, err
			}
			start, err := o.Fraction("start", 0.04)
			if err != nil {
				return nil, err
			}
			end, err := o.Fraction("end", 0.0004)
			blend := func(from, to, done float64) float64 { return to + (from-to)*0.5*(1+math.Cos(math.Pi*done)) }
			return func(step, total int) float64 {
				done := min(float64(step-1)/float64(max(total-1, 1)), 1)
				if done < rise {
					return blend(start, 1, done/rise)
				}
				return blend(1, end, (done-rise)/max(1-rise, 1e-9))
			}, err
		},
	})
}
