package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Formats of Report.Print.
var Formats = []string{"text", "csv", "json", "markdown"}

// Print writes the report in one of the formats.
func (r *Report) Print(w io.Writer, format string) error {
	write := map[string]func(io.Writer) error{"text": r.text, "csv": r.csv, "json": r.json, "markdown": r.markdown}[format]
	if write == nil {
		return usage("--format %q: it is one of %s", format, strings.Join(Formats, ", "))
	}
	return write(w)
}

// write puts the report into the directory in every format.
func (r *Report) write(d *store) error {
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{{"report.txt", r.text}, {"report.csv", r.csv}, {"trials.csv", r.trials}, {"report.json", r.json}, {"report.md", r.markdown}, {"report.html", r.html}, {"report.svg", r.svg}} {
		var b bytes.Buffer
		if err := f.write(&b); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		if err := d.write(f.name, b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// table is the result for people, the heading first.
func (r *Report) table() [][]string {
	head := []string{"optimizer"}
	if r.classified {
		head = append(head, "accuracy median", "range", "best")
	}
	head = append(head, "loss median", "range", "best", "steps to target", "seconds to target", "ms/update", "ms/step", "state")
	rows := [][]string{head}
	for _, x := range r.Rows {
		row := []string{x.Optimizer}
		if r.classified {
			row = append(row, percent(x.Top1.Median), percent(x.Top1.Lo)+" – "+percent(x.Top1.Hi), percent(x.Top1.Best))
		}
		row = append(row, short(x.Loss.Median), short(x.Loss.Lo)+" – "+short(x.Loss.Hi), short(x.Loss.Best),
			x.reached(x.StepsToTarget, "%.0f"), x.reached(x.SecondsToTarget, "%.3g"),
			fmt.Sprintf("%.2f", x.UpdateMS), fmt.Sprintf("%.2f", x.StepMS), bytesText(x.StateBytes))
		rows = append(rows, row)
	}
	return rows
}

// reached prints a median over seeds that may not all have come to the target.
func (r *Row) reached(x Float, format string) string {
	n := len(r.Finals)
	switch {
	case r.Reached == 0:
		return "–"
	case !finite(x):
		return fmt.Sprintf("%d/%d seeds", r.Reached, n)
	case r.Reached < n:
		return fmt.Sprintf(format+" (%d/%d)", float64(x), r.Reached, n)
	}
	return fmt.Sprintf(format, float64(x))
}

func (r *Report) text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range r.table() {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	fmt.Fprintln(t)
	fmt.Fprintln(t, "optimizer\tbest setting\tsearch")
	for _, x := range r.Rows {
		fmt.Fprintf(t, "%s\t%s\t%s\n", x.Optimizer, x.setting(), x.searchText())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n\n%s\n", strings.Join(r.Verdict(), "\n"), strings.Join(r.Conditions(), "\n"))
	return err
}

func (r *Report) markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Optimizers on %s\n\n%s\n\n", r.Model, strings.Join(r.Verdict(), " "))
	table := func(rows [][]string) {
		for i, row := range rows {
			for k, cell := range row {
				row[k] = strings.ReplaceAll(cell, "|", `\|`)
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
			if i == 0 {
				fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(row)))
			}
		}
		b.WriteByte('\n')
	}
	table(r.table())
	rows := [][]string{{"optimizer", "best setting", "search", "ranges"}}
	for _, x := range r.Rows {
		rows = append(rows, []string{x.Optimizer, "`" + x.setting() + "`", x.searchText(), x.ranges()})
	}
	table(rows)
	for _, line := range r.Conditions() {
		fmt.Fprintf(&b, "* %s\n", line)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

func (r *Row) setting() string {
	if r.Best == "" {
		return "none: every trial diverged"
	}
	return r.Best
}

// ranges are what the search drew from.
func (r *Row) ranges() string {
	var list []string
	for _, d := range r.Space {
		list = append(list, d.String())
	}
	return strings.Join(list, " ")
}

func (r *Row) searchText() string {
	if r.Searched == 0 {
		return "settings as given"
	}
	text := count(r.Searched, "trial")
	if r.Stopped > 0 {
		text += fmt.Sprintf(", %d stopped early", r.Stopped)
	}
	if r.Diverged > 0 {
		text += fmt.Sprintf(", %d diverged", r.Diverged)
	}
	return text
}
