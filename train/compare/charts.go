package compare

import (
	"fmt"
	"html/template"
	"math"
)

// chart is a diagram of the curves of all optimizers.
type chart struct {
	title      string
	trained    bool // of the training batches, not of the score
	bands      func(Row) []Band
	value      func(Band) Spread
	byTime     bool
	accuracies bool
}

// chartWidth and chartHeight are those of a diagram, in the units of its text.
const chartWidth, chartHeight = 560, 330

func (r *Report) charts() []chart {
	scored := "Validation "
	if r.Test != "" {
		scored = "Test "
	}
	var list []chart
	add := func(c chart) {
		list = append(list, c)
		c.byTime = true
		list = append(list, c)
	}
	loss := func(b Band) Spread { return b.Loss }
	add(chart{title: scored + "loss", bands: func(x Row) []Band { return x.Val }, value: loss})
	if r.classified {
		add(chart{title: scored + "accuracy", accuracies: true, bands: func(x Row) []Band { return x.Val },
			value: func(b Band) Spread { return b.Top1 }})
	}
	add(chart{title: "Training loss", trained: true, bands: func(x Row) []Band { return x.Train }, value: loss})
	return list
}

// draw makes the SVG of a chart.
func (r *Report) draw(c chart) template.HTML {
	var curves []curve
	var xs, ys []float64
	for _, row := range r.Rows {
		k := r.curve(c, row)
		if len(k.x) == 0 {
			continue
		}
		curves = append(curves, k)
		xs, ys = append(xs, k.x...), append(append(append(ys, k.y...), k.lo...), k.hi...)
	}
	x := newAxis(linear, 0, append(xs, 0))
	if c.byTime && r.far(curves) {
		x = newAxis(logarithmic, 0, xs)
	}
	p := &plot{width: chartWidth, height: chartHeight, left: 58, right: 12, top: 30, bottom: 40, x: x, y: r.scoreAxis(c.accuracies, ys)}
	title := "steps"
	if c.byTime {
		title = "seconds of training"
	}
	p.frame(7, 8, c.title, title)
	if c.accuracies == r.target.accuracy && !c.trained {
		p.level(r.target.value, "target: "+r.target.words())
	}
	for _, k := range curves {
		p.band(k)
	}
	for i := len(curves) - 1; i >= 0; i-- { // the best one on top
		p.line(curves[i])
	}
	return p.svg(c.title + " against " + title)
}

func (r *Report) curve(c chart, row Row) curve {
	k := curve{name: row.Optimizer, colour: row.index}
	var kept []Band
	for _, b := range c.bands(row) {
		v := c.value(b)
		if !finite(v.Median) || !c.accuracies && v.Lo <= 0 {
			continue
		}
		at := float64(b.Step)
		if c.byTime {
			at = b.Seconds
		}
		kept = append(kept, b)
		k.x, k.y, k.lo, k.hi = append(k.x, at), append(k.y, float64(v.Median)), append(k.lo, float64(v.Lo)), append(k.hi, float64(v.Hi))
	}
	if c.trained {
		return k
	}
	text := func(v Float) string {
		if c.accuracies {
			return percent(v)
		}
		return short(v)
	}
	k.label = func(i int) string {
		v := c.value(kept[i])
		return fmt.Sprintf("%s, step %d, %.1f s: %s (%s – %s)", row.Optimizer, kept[i].Step, kept[i].Seconds, text(v.Median), text(v.Lo), text(v.Hi))
	}
	return k
}

// leastError is half an example's share of the accuracy, which stands for no error at all.
func (r *Report) leastError() float64 { return 0.5 / float64(max(r.Scored, 1)) }

// scoreAxis is the axis of losses or accuracies. That of accuracies is linear unless errors differ much.
func (r *Report) scoreAxis(accuracies bool, values []float64) axis {
	if !accuracies {
		return newAxis(logarithmic, 0, values).padded()
	}
	lo, hi := math.Inf(1), 0.
	for _, v := range values {
		if finite(v) {
			lo, hi = min(lo, max(1-v, r.leastError())), max(hi, 1-v)
		}
	}
	s := linear
	if hi > 4*lo {
		s = accuracy
	}
	a := newAxis(s, r.leastError(), values).padded()
	a.percent = true
	return a
}

// far says whether some curves would be too short to see on a linear axis of the longest.
func (r *Report) far(curves []curve) bool {
	shortest, longest := math.Inf(1), 0.
	for _, c := range curves {
		end := c.x[len(c.x)-1]
		shortest, longest = min(shortest, end), max(longest, end)
	}
	return longest > 4*shortest
}

// sensitivity is a diagram of a hyper-parameter's values in the search against what they led to, nil for an optimizer
// that was not searched.
type sensitivity struct {
	Optimizer string
	Plots     []template.HTML
}

func (r *Report) sensitivities() []sensitivity {
	value := func(t *Trial) float64 {
		if r.byAccuracy {
			return float64(t.last().Top1)
		}
		return float64(t.last().Loss)
	}
	var all []float64
	for _, row := range r.Rows {
		for _, t := range row.Search {
			if t.Status == Done {
				all = append(all, value(t))
			}
		}
	}
	y := r.scoreAxis(r.byAccuracy, all)
	var list []sensitivity
	for _, row := range r.Rows {
		if len(row.Search) == 0 {
			continue
		}
		s := sensitivity{Optimizer: row.Optimizer}
		for i, d := range row.Space {
			s.Plots = append(s.Plots, r.scatter(row, i, d, y, value))
		}
		list = append(list, s)
	}
	return list
}

func (r *Report) scatter(row Row, dim int, d Dimension, y axis, value func(*Trial) float64) template.HTML {
	x, ticks := axis{lo: d.Lo, hi: d.Hi}, 5
	if d.Log {
		ticks = 4 // their labels are long
		x = axis{scale: logarithmic, lo: math.Log10(d.Lo), hi: math.Log10(d.Hi)}
	}
	if x.lo == x.hi {
		x.lo, x.hi = x.lo-0.5, x.hi+0.5
	}
	p := &plot{width: 230, height: 170, left: 52, right: 14, top: 26, bottom: 24, x: x.padded(), y: y}
	p.frame(ticks, 5, d.Name, "")
	for _, t := range row.Search {
		v := t.Drawn[dim].Value
		text := fmt.Sprintf("%s=%g", d.Name, v)
		at := p.x.at(v)
		if v <= 0 && d.Log {
			at = 0 // a default of 0, left of what the search draws
		}
		if t.Status != Done {
			p.mark("cross", row.index, at, r.worst(), text+": "+string(t.Status)+", "+t.Why)
			continue
		}
		kind, score := "done", short(value(t))
		if r.byAccuracy {
			score = percent(value(t))
		}
		if t.Opt == row.Best {
			kind = "best"
		}
		p.mark(kind, row.index, at, y.at(value(t)), fmt.Sprintf("%s: %s (%s)", text, score, t.Opt))
	}
	return p.svg(row.Optimizer + " " + d.Name)
}

// worst is the end of the axis of scores where trials without one are drawn.
func (r *Report) worst() float64 {
	if r.byAccuracy {
		return 0
	}
	return 1
}
