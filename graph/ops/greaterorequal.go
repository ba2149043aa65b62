package ops

func init() {
	relation("GreaterOrEqual", predicate{atLeast[float64], atLeast[int64], atLeast[uint64]}, false, true, true, nil,
		[]int{12, 16})
}

func atLeast[T float64 | int64 | uint64](x, y T) bool { return x >= y }
