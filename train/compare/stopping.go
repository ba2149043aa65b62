package compare

import (
	"math"
	"slices"
)

// waves cuts the n trials of a search into groups, so that the trials of one are judged by those before it. As the
// groups do not depend on how many trials run at a time, neither does what is stopped.
func waves(n int) [][2]int {
	size := max(3, (n+3)/4)
	var list [][2]int
	for lo := 0; lo < n; lo += size {
		list = append(list, [2]int{lo, min(lo+size, n)})
	}
	return list
}

// marks are the steps after which a trial may be stopped: a quarter, a half and three quarters of all.
func marks(total int) []int {
	if total < 8 {
		return nil
	}
	return []int{total / 4, total / 2, total * 3 / 4}
}

// markWindow is how many steps before a mark the loss is averaged over.
func markWindow(total int) int { return max(total/10, 1) }

// medians is the median rule: at each mark, the median of what earlier trials had there (Golovin et al., "Google Vizier",
// 2017). A trial that did not get there counts as worse than any, so no more than half of them can stop another.
func medians(earlier []*Trial, count int) []float64 {
	limits := make([]float64, count)
	for i := range limits {
		var values []float64
		for _, t := range earlier {
			v := math.Inf(1)
			if i < len(t.Marks) && !math.IsNaN(float64(t.Marks[i])) {
				v = float64(t.Marks[i])
			}
			values = append(values, v)
		}
		limits[i] = math.Inf(1)
		if len(values) > 0 {
			slices.Sort(values)
			limits[i] = values[len(values)/2] // the upper one of two: in doubt, go on
		}
	}
	return limits
}
