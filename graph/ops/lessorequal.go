package ops

func init() {
	relation("LessOrEqual", predicate{atMost[float64], atMost[int64], atMost[uint64]}, true, true, false, nil, []int{12, 16})
}

func atMost[T float64 | int64 | uint64](x, y T) bool { return x <= y }
