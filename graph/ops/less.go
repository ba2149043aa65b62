package ops

func init() {
	relation("Less", predicate{less[float64], less[int64], less[uint64]}, true, false, false, []int{7}, []int{9, 13})
}

func less[T float64 | int64 | uint64](x, y T) bool { return x < y }
