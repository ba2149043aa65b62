package ops

func init() {
	relation("Greater", predicate{greater[float64], greater[int64], greater[uint64]}, false, false, true, []int{7}, []int{9, 13})
}

func greater[T float64 | int64 | uint64](x, y T) bool { return x > y }
