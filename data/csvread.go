package data

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

type csvOptions struct {
	labels []string // columns by name or number; none for the last ones
	header string
	sep    rune
	limit  int64
	want   Want
}

// csvColumns is a parsed file: numbers row after row, and the label columns as text.
type csvColumns struct {
	rows   int
	width  int
	inputs []float32
	labels [][]string // a column each
}

func readCSV(f io.Reader, o csvOptions) (*csvColumns, error) {
	limited := &io.LimitedReader{R: f, N: o.limit/8 + 1} // a byte of text may become eight of memory
	r := csv.NewReader(limited)
	r.Comma, r.ReuseRecord, r.TrimLeadingSpace = o.sep, true, true
	first, err := r.Read()
	if err == io.EOF {
		return nil, errors.New("empty file")
	}
	if err != nil {
		return nil, err
	}
	first = slices.Clone(first)
	var header []string
	if o.header == "1" || o.header == "auto" && !slices.ContainsFunc(first, isNumber) {
		header = first
	}
	isLabel, err := labelColumns(o, header, len(first))
	if err != nil {
		return nil, err
	}
	c := &csvColumns{}
	for _, l := range isLabel {
		if l {
			c.labels = append(c.labels, nil)
		} else {
			c.width++
		}
	}
	if c.width == 0 {
		return nil, errors.New("no columns but labels")
	}
	if header == nil {
		err = c.add(first, isLabel, r)
	}
	for err == nil {
		var record []string
		if record, err = r.Read(); err == nil {
			err = c.add(record, isLabel, r)
		}
	}
	if limited.N <= 0 {
		return nil, fmt.Errorf("larger than %d bytes; raise ?max=, or convert it to npy", o.limit/8)
	}
	if err != io.EOF {
		return nil, err
	}
	return c, nil
}

func (c *csvColumns) add(record []string, isLabel []bool, r *csv.Reader) error {
	k := 0
	for i, cell := range record {
		if isLabel[i] {
			c.labels[k] = append(c.labels[k], strings.Clone(strings.TrimSpace(cell)))
			k++
			continue
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(cell), 32)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			line, _ := r.FieldPos(i)
			return fmt.Errorf("line %d, column %d: %.40q is no number; only label columns may hold text", line, i+1, cell)
		}
		c.inputs = append(c.inputs, float32(x))
	}
	c.rows++
	return nil
}

func isNumber(cell string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
	return err == nil
}

// labelColumns marks the label columns: the chosen ones, or as many of the last as the model has targets.
func labelColumns(o csvOptions, header []string, columns int) ([]bool, error) {
	isLabel := make([]bool, columns)
	if len(o.labels) == 0 {
		targets := 1
		if o.want.Label.DType.IsFloat() && fixed(o.want.Label.Shape) {
			targets = o.want.Label.Shape.Elems()
		}
		if targets >= columns || targets < 1 {
			return nil, fmt.Errorf("%d columns are too few for %d labels and an input", columns, targets)
		}
		for i := columns - targets; i < columns; i++ {
			isLabel[i] = true
		}
		return isLabel, nil
	}
	for _, name := range o.labels {
		i := slices.IndexFunc(header, func(h string) bool { return strings.TrimSpace(h) == name })
		if n, err := strconv.Atoi(name); i < 0 && err == nil {
			i = n - 1
		}
		if i < 0 || i >= columns {
			if header == nil {
				return nil, fmt.Errorf("no column %q; the %d columns have no names, so give numbers from 1", name, columns)
			}
			return nil, fmt.Errorf("no column %q (columns: %.200s)", name, strings.Join(header, ", "))
		}
		isLabel[i] = true
	}
	return isLabel, nil
}

// numericLabels are the labels as numbers, row after row, nil when one is none; whole says whether all are whole.
func (c *csvColumns) numericLabels() (numbers []float64, whole bool) {
	whole = true
	for r := range c.rows {
		for _, column := range c.labels {
			x, err := parseFloat(column[r])
			if err != nil {
				return nil, false
			}
			whole = whole && x == math.Trunc(x) && math.Abs(x) < 1<<53
			numbers = append(numbers, x)
		}
	}
	return numbers, whole
}

// namedLabels numbers the texts of the first label column, as the model's classes when it knows them all, else sorted.
func (c *csvColumns) namedLabels(trained []string) ([]float64, []string) {
	classes := slices.Compact(slices.Sorted(slices.Values(c.labels[0])))
	if !slices.ContainsFunc(classes, func(name string) bool { return !slices.Contains(trained, name) }) {
		classes = trained
	}
	index := make(map[string]int, len(classes))
	for i, name := range classes {
		index[name] = i
	}
	out := make([]float64, c.rows)
	for i, name := range c.labels[0] {
		out[i] = float64(index[name])
	}
	return out, classes
}
