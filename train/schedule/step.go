package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

func init() {
	Register("step", Kind{
		Doc:     "times gamma at each fraction of the run in at",
		Example: "step,at=0.5/0.75,gamma=0.1",
		Make: func(o Options) (Factor, error) {
			gamma, err := o.Float("gamma", 0.1)
			if err != nil {
				return nil, err
			}
			text, given := o["at"]
			delete(o, "at")
			if !given {
				text = "0.5/0.75"
			}
			var at []float64
			for _, s := range strings.Split(text, "/") {
				x, err := strconv.ParseFloat(s, 64)
				if err != nil || !(x >= 0 && x <= 1) {
					return nil, fmt.Errorf("option at=%q is not a list of fractions such as 0.5/0.75", text)
				}
				at = append(at, x)
			}
			return func(step, total int) float64 {
				f := 1.0
				for _, x := range at {
					if float64(step-1) >= x*float64(total) {
						f *= gamma
					}
				}
				return f
			}, nil
		},
	})
}
