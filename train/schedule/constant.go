package schedule

func init() {
	Register("constant", Kind{
		Doc:     "the base rate throughout",
		Example: "constant",
		Make:    func(Options) (Factor, error) { return func(int, int) float64 { return 1 }, nil },
	})
}
