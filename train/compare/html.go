package compare

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
)

//go:embed report.html.tmpl
var pageText string

// chartStyle is that of the diagrams, in light and dark mode.
//
//go:embed chart.css
var chartStyle string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"first": func(i int) bool { return i == 0 },
}).Parse(pageText))

// setting is a line of the page's second table.
type setting struct {
	Optimizer, Class, Search string
	Setting                  []string // its parts, which lines break between
	Space                    []Dimension
}

// html writes the report as one page that needs nothing else.
func (r *Report) html(w io.Writer) error {
	v := struct {
		*Report
		Style       template.CSS
		Head        []string
		Table       [][]string
		Settings    []setting
		Charts      []template.HTML
		Sensitivity []sensitivity
	}{Report: r, Style: template.CSS(chartStyle), Sensitivity: r.sensitivities()}
	table := r.table()
	v.Head, v.Table = table[0], table[1:]
	for _, x := range r.Rows {
		v.Settings = append(v.Settings, setting{x.Optimizer, colourClass(x.index), x.searchText(), strings.Split(x.setting(), ","), x.Space})
	}
	for _, c := range r.charts() {
		v.Charts = append(v.Charts, r.draw(c))
	}
	return page.Execute(w, v)
}
