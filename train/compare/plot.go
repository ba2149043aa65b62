package compare

import (
	"fmt"
	"html"
	"html/template"
	"strings"
)

// plot writes a diagram as SVG. Colours come from the style sheet of the page, so that they follow its light or dark mode.
type plot struct {
	width, height            float64
	left, right, top, bottom float64 // margins
	x, y                     axis
	body                     strings.Builder
}

func (p *plot) px(at float64) float64 { return p.left + at*(p.width-p.left-p.right) }
func (p *plot) py(at float64) float64 { return p.height - p.bottom - at*(p.height-p.top-p.bottom) }

// frame draws axes, grid and titles.
func (p *plot) frame(xTicks, yTicks int, title, xTitle string) {
	for _, t := range p.y.ticks(yTicks) {
		y := p.py(t.at)
		fmt.Fprintf(&p.body, `<line class="grid" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, p.left, p.width-p.right, y, y)
		p.text(p.left-6, y+3.5, "end", "", t.text)
	}
	for _, t := range p.x.ticks(xTicks) {
		x := p.px(t.at)
		fmt.Fprintf(&p.body, `<line class="axis" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, x, x, p.py(0), p.py(0)+4)
		p.text(x, p.py(0)+16, "middle", "", t.text)
	}
	fmt.Fprintf(&p.body, `<line class="axis" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, p.left, p.width-p.right, p.py(0), p.py(0))
	p.text(p.left, p.top-9, "start", "title", title)
	p.text(p.width-p.right, p.height-4, "end", "", xTitle)
}

func (p *plot) text(x, y float64, anchor, class, text string) {
	if class != "" {
		class = ` class="` + class + `"`
	}
	fmt.Fprintf(&p.body, `<text%s x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, class, x, y, anchor, html.EscapeString(text))
}

// curve is a line with the band around it.
type curve struct {
	name      string
	colour    int
	x         []float64
	y, lo, hi []float64
	label     func(i int) string // what a point says, nil for lines without points
}

// band fills the range of a curve; lines are drawn over all bands.
func (p *plot) band(c curve) {
	var path strings.Builder
	for i, x := range c.x {
		fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[i == 0], p.px(p.x.at(x)), p.py(p.y.at(c.hi[i])))
	}
	for i := len(c.x) - 1; i >= 0; i-- {
		fmt.Fprintf(&path, "L%.1f %.1f", p.px(p.x.at(c.x[i])), p.py(p.y.at(c.lo[i])))
	}
	fmt.Fprintf(&p.body, `<path class="band %s" d="%sZ"/>`, colourClass(c.colour), path.String())
}

func (p *plot) line(c curve) {
	var path strings.Builder
	for i, x := range c.x {
		fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[i == 0], p.px(p.x.at(x)), p.py(p.y.at(c.y[i])))
	}
	fmt.Fprintf(&p.body, `<path class="line %s" d="%s"><title>%s</title></path>`, colourClass(c.colour), path.String(), html.EscapeString(c.name))
	if c.label == nil {
		return
	}
	for i, x := range c.x {
		fmt.Fprintf(&p.body, `<circle class="spot %s" cx="%.1f" cy="%.1f" r="2.2"><title>%s</title></circle>`, colourClass(c.colour),
			p.px(p.x.at(x)), p.py(p.y.at(c.y[i])), html.EscapeString(c.label(i)))
	}
}

// level is a dashed line across.
func (p *plot) level(y float64, text string) {
	at := p.py(p.y.at(y))
	fmt.Fprintf(&p.body, `<line class="level" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"><title>%s</title></line>`,
		p.left, p.width-p.right, at, at, html.EscapeString(text))
}

// mark is a single point: a full circle, a ring around the best one, or a cross for one without a score.
func (p *plot) mark(kind string, colour int, x, y float64, text string) {
	cx, cy := p.px(x), p.py(y)
	title := "<title>" + html.EscapeString(text) + "</title>"
	switch kind {
	case "best":
		fmt.Fprintf(&p.body, `<circle class="ring %s" cx="%.1f" cy="%.1f" r="6"/>`, colourClass(colour), cx, cy)
		fallthrough
	case "done":
		fmt.Fprintf(&p.body, `<circle class="dot %s" cx="%.1f" cy="%.1f" r="3.2">%s</circle>`, colourClass(colour), cx, cy, title)
	default:
		fmt.Fprintf(&p.body, `<path class="cross %s" d="M%.1f %.1fl6 6m0 -6l-6 6">%s</path>`, colourClass(colour), cx-3, cy-3, title)
	}
}

// svg is the finished diagram. Text in it is escaped already.
func (p *plot) svg(label string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %g %g" role="img" aria-label="%s">%s</svg>`, p.width, p.height, html.EscapeString(label), p.body.String()))
}

const colours = 8

// colourClass is the style of the n-th optimizer: after all colours they come again, dashed.
func colourClass(n int) string {
	class := fmt.Sprintf("c%d", n%colours)
	if n >= colours {
		class += " dashed"
	}
	return class
}
