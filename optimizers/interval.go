package optimizers

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// interval says at which updates of a parameter its preconditioner is updated too: "2" at every second one from the
// first on; "log4:10" at gaps that grow as log₄ of the update's number up to 10; "at:0/1/5" at those, counted from 0.
type interval struct {
	every int
	log   bool
	at    []int
}

func (v *interval) UnmarshalText(text []byte) error {
	s := string(text)
	*v = interval{}
	if list, ok := strings.CutPrefix(s, "at:"); ok {
		s = list
	}
	if strings.HasPrefix(string(text), "at:") || strings.Contains(s, "/") {
		for _, item := range strings.Split(s, "/") {
			t, err := strconv.Atoi(item)
			if err != nil || t < 0 {
				return fmt.Errorf("is wrong: %q is no update, counted from 0", item)
			}
			v.at = append(v.at, t)
		}
		slices.Sort(v.at)
		return nil
	}
	s, v.log = strings.CutPrefix(s, "log4:")
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 1 || n != float64(int(n)) {
		return fmt.Errorf("is neither a whole number above 0 nor log4:N nor at:N/N/…")
	}
	v.every = int(n)
	return nil
}

func (v interval) MarshalText() ([]byte, error) {
	switch {
	case v.at != nil:
		items := make([]string, len(v.at))
		for i, t := range v.at {
			items[i] = strconv.Itoa(t)
		}
		return []byte("at:" + strings.Join(items, "/")), nil
	case v.log:
		return []byte("log4:" + strconv.Itoa(v.every)), nil
	}
	return []byte(strconv.Itoa(v.every)), nil
}

// due reports whether the preconditioner is updated at update t, counted from 0.
func (v interval) due(t int) bool {
	switch {
	case v.at != nil:
		_, found := slices.BinarySearch(v.at, t)
		return found
	case v.log:
		return v.logDue(t)
	}
	return t%v.every == 0
}

// logDue follows next = t + min(max(⌊log₄(t+1)⌋, 1), every) from 0, in one stride for each power of 4.
func (v interval) logDue(t int) bool {
	next, gap := 0, 0
	for end := 3; ; end = end*4 + 3 { // t+1 reaches the next power of 4
		stride := min(max(gap, 1), v.every)
		if t < next {
			return false
		}
		if t < end || gap >= v.every {
			return (t-next)%stride == 0
		}
		next += (end - next + stride - 1) / stride * stride
		gap++
	}
}

// gap is the usual number of updates from one to the next.
func (v interval) gap() int {
	if v.at != nil {
		return 1
	}
	return v.every
}
