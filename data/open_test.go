package data

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestFormatsAreDocumented(t *testing.T) {
	all := Formats()
	for _, name := range []string{"cifar10", "csv", "idx", "imagefolder", "npy", "npz", "synthetic", "text"} {
		if !slices.Contains(all, name) {
			t.Errorf("no format %q", name)
		}
	}
	for _, name := range all {
		f, err := Describe(name)
		if err != nil {
			t.Fatal(err)
		}
		if f.Doc == "" || !strings.HasPrefix(f.Example, name+":") {
			t.Errorf("%s: %q, example %q", name, f.Doc, f.Example)
		}
		_, query, _ := strings.Cut(f.Example, "?")
		o, err := ParseOptions(query)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.unknown(name, f.Options); err != nil {
			t.Errorf("example %q: %v", f.Example, err)
		}
		for _, option := range f.Options {
			if option.Doc == "" || option.Name == "" {
				t.Errorf("%s: option %q has no doc", name, option.Name)
			}
		}
	}
}

func TestOptions(t *testing.T) {
	o, err := ParseOptions("n=3&x=0.5&list=1,-2.5&words=a,b&on&off=no&pick=two")
	must(t, err)
	if o.Int("n", 1, 0, 9) != 3 || o.Float("x", 1, 0, 1) != 0.5 || !slices.Equal(o.Floats("list"), []float64{1, -2.5}) ||
		!slices.Equal(o.Strings("words"), []string{"a", "b"}) || !o.Bool("on", false) || o.Bool("off", true) ||
		o.Choice("pick", "one", "one", "two") != "two" || o.Int("absent", 7, 0, 9) != 7 || o.Err() != nil || o.unused() != nil {
		t.Error(o, o.Err())
	}
	o, err = ParseOptions("n=ten&m=12&x=nan&b=perhaps&c=red")
	must(t, err)
	o.Int("n", 0, 0, 9)
	o.Int("m", 0, 0, 9)
	o.Float("x", 0, math.Inf(-1), math.Inf(1))
	o.Bool("b", false)
	o.Choice("c", "blue", "blue", "green")
	if n := strings.Count(o.Err().Error(), "option"); n != 5 {
		t.Error(o.Err())
	}
}

func TestBadSpecs(t *testing.T) {
	for spec, message := range map[string]string{
		"train.npz":                 `such as npz:train.npz`,
		"npzz:train.npz":            `unknown data format "npzz"; did you mean "npz"?`,
		"idx:a,b?flp=1":             `unknown option "flp"; did you mean "flip"?`,
		"idx:a,b?crop=x":            `option crop=x: want a whole number`,
		"idx:a,b?crop=1&crop=2":     `option "crop" is given twice`,
		"idx:":                      `no path; write it like idx:`,
		"synthetic:?n=0":            `option n=0: want`,
		"synthetic:x":               `no path`,
		"synthetic:?length=3&len=4": `unknown option "len"`,
	} {
		d, err := Open(spec, wantImages(10, 1, 28, 28), true, 0)
		if err == nil || !strings.Contains(err.Error(), message) || !strings.HasPrefix(err.Error(), `data "`+spec) {
			t.Errorf("%s: %v", spec, err)
		}
		if d != nil {
			t.Errorf("%s: a data set with the error", spec)
		}
	}
}
