package compare

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// scale is how an axis maps numbers to a line.
type scale int

const (
	linear scale = iota
	logarithmic
	accuracy // logarithmic in the distance from 1, as the last per cent are the ones that differ
)

// axis is an interval on a scale.
type axis struct {
	scale  scale
	lo, hi float64 // on the line
	least  float64 // the least distance from 1 that an accuracy is drawn at

	percent bool // how numbers of a linear axis are printed
}

type tick struct {
	at   float64 // 0 to 1 along the axis
	text string
}

// newAxis fits an axis to numbers, of which those that are not finite or not on the scale are left out.
func newAxis(s scale, least float64, values []float64) axis {
	a := axis{scale: s, lo: math.Inf(1), hi: math.Inf(-1), least: least}
	for _, v := range values {
		if v = a.line(v); finite(v) {
			a.lo, a.hi = min(a.lo, v), max(a.hi, v)
		}
	}
	if a.lo > a.hi {
		a.lo, a.hi = 0, 1
	}
	if a.hi-a.lo < 1e-9*max(math.Abs(a.hi), 1) {
		a.lo, a.hi = a.lo-0.5, a.hi+0.5
	}
	return a
}

// padded leaves a little room at both ends.
func (a axis) padded() axis {
	room := 0.04 * (a.hi - a.lo)
	a.lo, a.hi = a.lo-room, a.hi+room
	return a
}

func (a axis) line(v float64) float64 {
	switch a.scale {
	case logarithmic:
		return math.Log10(v)
	case accuracy:
		return -math.Log10(max(1-v, a.least))
	}
	return v
}

// at is the place of a number on the axis, 0 to 1; numbers outside lie at its ends.
func (a axis) at(v float64) float64 {
	v = a.line(v)
	if math.IsNaN(v) {
		v = a.hi
	}
	return (max(a.lo, min(v, a.hi)) - a.lo) / (a.hi - a.lo)
}

// ticks are about count marks at round numbers.
func (a axis) ticks(count int) []tick {
	switch a.scale {
	case logarithmic:
		return a.logTicks(count)
	case accuracy:
		return a.accuracyTicks(count)
	}
	if a.percent {
		return a.linearTicks(count, percentTick)
	}
	return a.linearTicks(count, compact)
}

func (a axis) linearTicks(count int, text func(float64) string) []tick {
	step := math.Pow(10, math.Floor(math.Log10((a.hi-a.lo)/float64(count))))
	for _, m := range []float64{2, 2.5, 2, 2} { // 2, 5, 10, 20 times
		if (a.hi-a.lo)/step <= float64(count) {
			break
		}
		step *= m
	}
	var list []tick
	for i := math.Ceil(a.lo/step - 1e-9); i*step <= a.hi+1e-9*step; i++ {
		list = append(list, tick{(i*step - a.lo) / (a.hi - a.lo), text(i * step)})
	}
	return list
}

func (a axis) logTicks(count int) []tick {
	for _, mantissas := range [][]float64{{1, 2, 3, 5, 7}, {1, 2, 5}, {1, 3}, {1}} {
		if list := a.marks(mantissas, 1); len(list) >= 2 && len(list) <= count {
			return list
		}
	}
	for every := 2; every < 100; every++ {
		if list := a.marks([]float64{1}, every); len(list) <= count {
			if len(list) >= 2 {
				return list
			}
			break
		}
	}
	// Less than a factor that has two round numbers in it: evenly spaced numbers will do.
	lo, hi := math.Pow(10, a.lo), math.Pow(10, a.hi)
	list := axis{lo: lo, hi: hi}.linearTicks(max(count, 5), compact)
	for i, t := range list {
		list[i].at = (math.Log10(lo+t.at*(hi-lo)) - a.lo) / (a.hi - a.lo)
	}
	return list
}

// marks are the multiples of every n-th power of ten.
func (a axis) marks(mantissas []float64, every int) []tick {
	var list []tick
	for e := int(math.Floor(a.lo)); e <= int(math.Ceil(a.hi)); e++ {
		if e%every != 0 {
			continue
		}
		for _, m := range mantissas {
			if x := float64(e) + math.Log10(m); x >= a.lo-1e-9 && x <= a.hi+1e-9 {
				list = append(list, tick{(x - a.lo) / (a.hi - a.lo), compact(m * math.Pow(10, float64(e)))})
			}
		}
	}
	return list
}

func (a axis) accuracyTicks(count int) []tick {
	var all []tick
	for _, v := range []float64{0, .2, .4, .6, .7, .8, .9, .95, .98, .99, .995, .998, .999, .9995, .9998, .9999} {
		if x := a.line(v); x >= a.lo-1e-9 && x <= a.hi+1e-9 && v < 1-a.least/2 {
			all = append(all, tick{(x - a.lo) / (a.hi - a.lo), percentTick(v)})
		}
	}
	if len(all) < 2 { // a narrow interval
		lo, hi := 1-math.Pow(10, -a.lo), 1-math.Pow(10, -a.hi)
		all = axis{lo: lo, hi: hi}.linearTicks(count, percentTick)
		for i, t := range all {
			all[i].at = (a.line(lo+t.at*(hi-lo)) - a.lo) / (a.hi - a.lo)
		}
	}
	return spaced(all, 0.9/float64(count))
}

// spaced leaves out ticks that are closer to the one before than apart.
func spaced(all []tick, apart float64) []tick {
	var list []tick
	for i := len(all) - 1; i >= 0; i-- { // the best ones matter
		if len(list) == 0 || list[len(list)-1].at-all[i].at >= apart {
			list = append(list, all[i])
		}
	}
	return list
}

func percentTick(v float64) string {
	return fmt.Sprintf("%.4g %%", 100*v+0) // + 0 makes 0 of -0
}

// compact prints a number as a tick.
func compact(v float64) string {
	switch m := math.Abs(v); {
	case m < 1e-12:
		return "0"
	case m >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 4, 64) + "M"
	case m >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', 4, 64) + "k"
	case m < 1e-3:
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', 1, 64), "e")
		e, _ := strconv.Atoi(exponent) // its own output always parses
		return fmt.Sprintf("%se%d", strings.TrimSuffix(mantissa, ".0"), e)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
