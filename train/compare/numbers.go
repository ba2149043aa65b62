package compare

import (
	"fmt"
	"math"
	"strconv"
)

// exact is a number for machines, empty when it is none.
func exact[T ~float64](x T) string {
	if !finite(x) {
		return ""
	}
	return strconv.FormatFloat(float64(x), 'g', -1, 64)
}

// short is a number for people.
func short[T ~float64](x T) string {
	switch {
	case math.IsInf(float64(x), 0):
		return "diverged"
	case math.IsNaN(float64(x)):
		return "–"
	}
	return fmt.Sprintf("%.4g", float64(x))
}

func percent[T ~float64](x T) string {
	if !finite(x) {
		return "–"
	}
	return fmt.Sprintf("%.2f %%", 100*float64(x))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}
