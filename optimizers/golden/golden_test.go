package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/onnxtrain/onnxtrain/optimizers"
	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// files are the recordings in the repository, and all of them where they lie beside it.
func files(t *testing.T) []string {
	t.Helper()
	all := recordings()
	full, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "golden", "optimizers", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range full {
		if filepath.Base(path) != "problems.json" {
			all = append(all, path)
		}
	}
	return all
}

func TestGolden(t *testing.T) {
	for _, path := range files(t) {
		for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64} {
			results, err := CheckIn(dt, path, "")
			if err != nil {
				t.Error(err)
			}
			for _, r := range results {
				t.Run(fmt.Sprintf("%s/%v/%s", filepath.Base(path), dt, r.Case), func(t *testing.T) {
					switch {
					case r.Skipped != "":
						t.Errorf("%s: %s", r.Optimizer, r.Skipped)
					case !r.OK:
						t.Errorf("off by %.2e in %v, allowed %.2e", r.MaxRel, r.DType, r.Tol)
					}
				})
			}
		}
	}
}

// recordings are the files in the repository.
func recordings() []string {
	return []string{filepath.Join("testdata", "cases.json"), filepath.Join("testdata", "packages.json")}
}

// TestEveryOptimizerIsRecorded checks that no built-in optimizer goes without a recording.
func TestEveryOptimizerIsRecorded(t *testing.T) {
	recorded := map[string]bool{}
	for _, path := range recordings() {
		f, err := read(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Cases {
			if e := entry(f.Cases[i].Optimizer); e != nil {
				recorded[e.Name] = true
			}
		}
	}
	for _, name := range registry.Names() {
		if !recorded[name] {
			t.Errorf("%s is in no recording", name)
		}
	}
}

// TestWrongSettingsAreCaught replays cases with one setting changed: a judge that accepts everything is none.
func TestWrongSettingsAreCaught(t *testing.T) {
	for _, path := range recordings() {
		f, err := read(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Cases {
			f.catch(t, &f.Cases[i])
		}
	}
}

func (f *file) catch(t *testing.T, c *recorded) {
	e := entry(c.Optimizer)
	runs, err := translate(c, e)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range e.Hypers {
		x, ok := runs[0].settings[h.Name].(float64)
		// The schedule replaces lr, as Adafactor's own step size does, and zeros switch things off.
		replaced := c.LRSchedule != nil || runs[0].settings["relative_step"] == true
		if !ok || x == 0 || h.Name == "lr" && replaced || !h.Range.Contains(x*0.75) || h.Kind != registry.Number {
			continue
		}
		t.Run(c.Name+"/"+h.Name, func(t *testing.T) {
			changed, err := translate(c, e)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range changed {
				r.settings[h.Name] = x * 0.75
			}
			worst, err := f.follow(c, e, changed, tensor.Float64)
			if err != nil || worst <= tolerance(c, e.Name, tensor.Float64) {
				t.Errorf("%s=%v passes as %v: off by %.2e, error %v", h.Name, x*0.75, x, worst, err)
			}
		})
	}
}

func TestOneOptimizer(t *testing.T) {
	path := filepath.Join("testdata", "cases.json")
	results, err := Check(path, "adamw")
	if err != nil || len(results) != 1 || results[0].Optimizer != "adamw" || !results[0].OK {
		t.Errorf("%v, error %v", results, err)
	}
	if _, err := Check(path, "adamv"); err == nil || !strings.Contains(err.Error(), `did you mean "adam"?`) {
		t.Errorf("error %v for an unknown optimizer", err)
	}
}

func TestBadGoldenFiles(t *testing.T) {
	const problem = `{"steps":1,"shapes":{"w":[1]},"init":{"w":[1]},"grads":[{"w":[1]}]}`
	const good = `"params":["w"],"steps":1,"expect":[[[1]]]`
	for name, c := range map[string]struct{ cases, want string }{
		"syntax":       {`{`, "unexpected end"},
		"no cases":     {`{"problem":"problems.json"}`, "field cases"},
		"outside":      {`{"problem":"../problems.json","cases":[{}]}`, "field problem"},
		"no optimizer": {`{"problem":"problems.json","cases":[{"name":"c"}]}`, `case 0 "c": field optimizer`},
		"steps":        {`{"problem":"problems.json","cases":[{"name":"c","optimizer":"sgd","steps":9}]}`, "field steps is 9"},
		"values": {`{"problem":"problems.json","cases":[{"name":"c","optimizer":"sgd","params":["w"],"steps":1,"expect":[[[1,2]]]}]}`,
			"field expect, step 0, w: 2 values"},
		"unknown": {`{"problem":"problems.json","cases":[{"name":"c","optimizer":"sgd","hyper":{"momentun":1},` + good + `}]}`,
			`did you mean "momentum"?`},
		"range": {`{"problem":"problems.json","cases":[{"name":"c","optimizer":"sgd","hyper":{"momentum":2},` + good + `}]}`,
			"outside [0,1)"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "cases.json")
			for file, text := range map[string]string{"problems.json": problem, "cases.json": c.cases} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Check(path, "")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want one with %q and the path", err, c.want)
			}
		})
	}
}

// TestAnotherInThePlaceOfARecordedOne replays the own recordings of AdamW by AdamW as an optimizer from elsewhere, with a
// setting less.
func TestAnotherInThePlaceOfARecordedOne(t *testing.T) {
	number := func(name, value, alias string) registry.Field {
		return registry.Field{Kind: registry.Number, Default: value, Tags: map[string]string{"name": name, "alias": alias}}
	}
	fields := []registry.Field{number("lr", "0.001", ""), number("beta1", "0.9", "betas.0"), number("beta2", "0.999", "betas.1"),
		number("eps", "1e-8", ""), number("weight_decay", "0.01", "")}
	build := func(h registry.Hyperparameters) (registry.Optimizer, error) {
		e, err := registry.Lookup("adamw")
		if err != nil {
			return nil, err
		}
		opt, _, err := e.New(h.Settings())
		return opt, err
	}
	for name, want := range map[string]string{"adamw-mine": "adamw", "adam_2": "adam", "adamwhat": "", "mine": ""} {
		e, err := registry.NewEntry(registry.Info{Name: name}, "/plugins/"+name+".py", fields, build)
		if err != nil {
			t.Fatal(err)
		}
		if got := Twin(e); got != want {
			t.Errorf("%s is the twin of %q, want %q", name, got, want)
		}
		if want != "adamw" {
			continue
		}
		results, err := CheckOwn(e, want)
		if err != nil {
			t.Fatal(err)
		}
		followed, skipped := 0, 0
		for _, r := range results {
			switch {
			case r.OK:
				followed++
			case strings.Contains(r.Skipped, "no setting amsgrad"):
				skipped++
			default:
				t.Errorf("%+v", r)
			}
		}
		if len(results) == 0 || skipped == 0 {
			t.Errorf("%d followed, %d skipped", followed, skipped)
		}
	}
}
