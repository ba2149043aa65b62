package compare

import (
	"fmt"
	"html"
	"io"
	"strings"
)

// svg writes the diagrams of the page, in two columns under a legend, as one picture.
func (r *Report) svg(w io.Writer) error {
	const margin, gap, line, swatch, letter = 16, 18, 20, 26, 6.6
	width := 2*chartWidth + gap + 2*margin
	var b strings.Builder
	x, y := float64(margin), float64(margin+12)
	for _, row := range r.Rows {
		need := swatch + letter*float64(len(row.Optimizer)) + gap
		if x > margin && x+need > float64(width-margin) {
			x, y = margin, y+line
		}
		fmt.Fprintf(&b, `<path class="line %s" d="M%.1f %.1fh18"/><text x="%.1f" y="%.1f">%s</text>`, colourClass(row.index), x, y-4,
			x+swatch, y, html.EscapeString(row.Optimizer))
		x += need
	}
	top := y + gap
	charts := r.charts()
	for i, c := range charts {
		// A diagram has a view box, so as a part of this one it needs a place and a size.
		part := strings.Replace(string(r.draw(c)), "<svg ", fmt.Sprintf(`<svg x="%d" y="%.1f" width="%d" height="%d" `,
			margin+i%2*(chartWidth+gap), top+float64(i/2*(chartHeight+gap)), chartWidth, chartHeight), 1)
		b.WriteString(part)
	}
	height := top + float64((len(charts)+1)/2*(chartHeight+gap))
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%d" height="%.0f" role="img" aria-label="%s"><style>%s</style>`+
		`<rect width="100%%" height="100%%" style="fill:var(--paper)"/>%s</svg>`+"\n",
		width, height, width, height, html.EscapeString("Optimizers on "+r.Model), chartStyle, b.String())
	return err
}
