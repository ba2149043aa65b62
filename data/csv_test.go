package data

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

func wantColumns(n int, label Field, classes int) Want {
	return Want{Inputs: []Field{{"x", tensor.Float32, tensor.Shape{n}}}, Label: label, Classes: classes}
}

func TestCSV(t *testing.T) {
	class := Field{"label", tensor.Int64, tensor.Shape{}}
	for _, c := range []struct {
		name, content, options string
		want                   Want
		input, label           []float64 // of the last row
	}{
		{"header", "a,b,y\n1,2,0\n3,4,1\n", "", wantColumns(2, class, 2), []float64{3, 4}, []float64{1}},
		{"no header", "1,2,0\n3,4,1\n", "", wantColumns(2, class, 2), []float64{3, 4}, []float64{1}},
		{"names", "1,2,cat\n3,4,bird\n", "", wantColumns(2, class, 2), []float64{3, 4}, []float64{0}},
		{"label by name", "a,b,y\n1,2,0\n3,1,5\n", "?label=b", wantColumns(2, class, 3), []float64{3, 5}, []float64{1}},
		{"label by number", "1;2;0\n3;1;5\n", "?label=2&sep=semicolon", wantColumns(2, class, 3), []float64{3, 5}, []float64{1}},
		{"regression", "a,b,y\n1,2,0.5\n3,4,1.5\n", "", wantColumns(2, Field{"label", tensor.Float32, tensor.Shape{1}}, 0), []float64{3, 4}, []float64{1.5}},
		{"two targets", "1,2,3\n4,5,6\n", "", wantColumns(1, Field{"label", tensor.Float32, tensor.Shape{2}}, 0), []float64{4}, []float64{5, 6}},
		{"targets of a classifier", "1,2,3.5\n4,5,6.5\n", "", wantColumns(2, class, 2), []float64{4, 5}, []float64{6.5}},
		{"standardised", "1,5,0\n3,5,1\n", "?standardize=1", wantColumns(2, class, 2), []float64{1, 0}, []float64{1}},
		{"given mean", "1,5,0\n3,5,1\n", "?mean=1&std=2", wantColumns(2, class, 2), []float64{1, 2}, []float64{1}},
	} {
		d := openData(t, "csv:"+writeFile(t, "t.csv", []byte(c.content))+c.options, c.want, true)
		got := readOne(t, d, 1)
		if d.Len() != 2 || !slices.Equal(got[0].Float64s(), c.input) || !slices.Equal(got[1].Float64s(), c.label) {
			t.Errorf("%s: %d rows, the last %v %v", c.name, d.Len(), got[0].Float64s(), got[1].Float64s())
		}
	}
}

func TestBadCSV(t *testing.T) {
	class := Field{"label", tensor.Int64, tensor.Shape{}}
	for _, c := range []struct{ name, content, options, message string }{
		{"empty", "", "", "empty file"},
		{"header only", "a,b,c\n", "", "no examples"},
		{"text", "a,b,y\n1,2,0\n3,x,1\n", "", `line 3, column 2: "x" is no number`},
		{"nan", "1,2,0\n3,nan,1\n", "", `line 2, column 2`},
		{"ragged", "1,2,0\n3,4\n", "", "wrong number of fields"},
		{"width", "1,2,3,0\n", "", `the model wants float32[2] for "x", the data gives float32[3]`},
		{"no such label", "a,b,y\n1,2,0\n", "?label=z", `no column "z" (columns: a, b, y)`},
		{"no such number", "1,2,0\n", "?label=4", "give numbers from 1"},
		{"classes", "1,2,0\n3,4,2\n", "", "row 2: label 2 is not a class"},
		{"quote", "1,2,0\n\"3,4,2\n", "", `"`},
		{"large", strings.Repeat("1,2,0\n", 1000), "?max=800", "larger than"},
	} {
		path := writeFile(t, "t.csv", []byte(c.content))
		_, err := Open("csv:"+path+c.options, wantColumns(2, class, 2), true, 0)
		if err == nil || !strings.Contains(err.Error(), c.message) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestCSVTransformTravels(t *testing.T) {
	w := wantColumns(2, Field{"label", tensor.Int64, tensor.Shape{}}, 2)
	trained := openData(t, "csv:"+writeFile(t, "t.csv", []byte("1,5,no\n3,5,yes\n"))+"?standardize=1", w, true).(Described)
	w.Transform, w.ClassNames = trained.Transform(), trained.ClassNames()
	got := readOne(t, openData(t, "csv:"+writeFile(t, "v.csv", []byte("4,7,yes\n")), w, false), 0)
	if x := got[0].F32(); x[0] != 2 || x[1] != 2 || got[1].I64()[0] != 1 || math.IsNaN(float64(x[0])) {
		t.Errorf("%v %v", x, got[1].I64())
	}
}
