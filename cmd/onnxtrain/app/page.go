package app

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// page prints lines and tables; the first error sticks.
type page struct {
	w   io.Writer
	err error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// table prints an empty line, a heading and rows with aligned columns: those that hold ints to the right, with "-" for
// 0. It prints nothing when there are no rows.
func (p *page) table(heading []any, rows ...[]any) {
	if len(rows) == 0 {
		return
	}
	if heading != nil {
		rows = append([][]any{heading}, rows...)
	}
	var widths []int
	var right []bool
	cells := make([][]string, len(rows))
	for i, row := range rows {
		for k, c := range row {
			if k == len(widths) {
				widths, right = append(widths, 0), append(right, false)
			}
			text := fmt.Sprint(c)
			if n, ok := c.(int); ok {
				right[k] = true
				if n == 0 {
					text = "-"
				}
			}
			cells[i] = append(cells[i], text)
			widths[k] = max(widths[k], utf8.RuneCountInString(text))
		}
	}
	p.line("")
	for _, row := range cells {
		for k, text := range row {
			pad := strings.Repeat(" ", widths[k]-utf8.RuneCountInString(text))
			if right[k] {
				row[k] = pad + text
			} else {
				row[k] = text + pad
			}
		}
		p.line("%s", strings.TrimRight(strings.Join(row, "  "), " "))
	}
}
