package compare

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/data"
)

func TestDimensions(t *testing.T) {
	for _, d := range []Dimension{{Name: "lr", Lo: 1e-4, Hi: 1e-1, Log: true}, {Name: "beta2", Lo: 0.9, Hi: 0.9999}, {Name: "interval", Lo: 1, Hi: 5, Integer: true}} {
		low := 0
		for i := range 200 {
			x := draw([]Dimension{d}, data.NewRand(1, 2, uint64(i)))[0].Value
			if x < d.Lo || x > d.Hi || d.Integer && x != math.Trunc(x) {
				t.Fatalf("%v draws %v", d, x)
			}
			if back := d.at(d.where(x)); math.Abs(back-x) > 1e-3*x {
				t.Errorf("%v: %v lies at %v, where %v is", d, x, d.where(x), back)
			}
			if x < d.at(0.5) {
				low++
			}
		}
		if !d.Integer && (low < 70 || low > 130) {
			t.Errorf("%v: %d of 200 in the lower half", d, low)
		}
	}
}

// TestPrecisions: an optimizer in two precisions draws the same settings, runs in either, and says which.
func TestPrecisions(t *testing.T) {
	s := small(t)
	s.Optimizers = []string{"adamw", "adamw,dtype=bf16"}
	s.Trials, s.Seeds, s.Stop = 2, 1, "none"
	r, _ := mustRun(t, s)
	one, other := r.Rows[0], r.Rows[1]
	if one.index > other.index {
		one, other = other, one
	}
	if one.Optimizer != "adamw" || other.Optimizer != "adamw,dtype=bf16" || strings.Contains(other.Best, "dtype") {
		t.Fatalf("rows %q and %q, the second with %q", one.Optimizer, other.Optimizer, other.Best)
	}
	for i := range one.Search {
		if !reflect.DeepEqual(one.Search[i].Drawn, other.Search[i].Drawn) {
			t.Errorf("trial %d draws %v and %v", i, one.Search[i].Drawn, other.Search[i].Drawn)
		}
		if one.Search[i].last().Loss == other.Search[i].last().Loss {
			t.Errorf("trial %d: both end with the loss %v", i, one.Search[i].last().Loss)
		}
	}
}

func TestNarrow(t *testing.T) {
	space := []Dimension{{Name: "lr", Lo: 1e-4, Hi: 1, Log: true}, {Name: "momentum", Lo: 0, Hi: 1}}
	got := narrow(space, [][]Drawn{{{"lr", 1e-2}, {"momentum", 0}}, {{"lr", 1e-1}, {"momentum", 0.5}}})
	want := []Dimension{{Name: "lr", Lo: 3.162e-3, Hi: 0.3162, Log: true}, {Name: "momentum", Lo: 0, Hi: 0.625}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMedianRule(t *testing.T) {
	nan := Float(math.NaN())
	earlier := []*Trial{{Marks: []Float{1, 1, 1}}, {Marks: []Float{2}}, {Marks: []Float{3, 2}}, {Marks: []Float{nan, nan}}}
	if got, want := medians(earlier, 3), []float64{3, math.Inf(1), math.Inf(1)}; !reflect.DeepEqual(got, want) {
		t.Errorf("medians %v, want %v", got, want)
	}
	if got := waves(12); !reflect.DeepEqual(got, [][2]int{{0, 3}, {3, 6}, {6, 9}, {9, 12}}) {
		t.Errorf("waves %v", got)
	}
	if got := waves(2); !reflect.DeepEqual(got, [][2]int{{0, 2}}) {
		t.Errorf("waves %v", got)
	}
}

func TestTargets(t *testing.T) {
	trial := &Trial{Scores: []Point{{Step: 1, Loss: 2, Top1: 0.2}, {Step: 2, Loss: 1, Top1: 0.9}, {Step: 3, Loss: 0.5, Top1: 0.8}}}
	for text, step := range map[string]int{"top1>=0.9": 2, "top1>=0.91": 0, "loss<=0.5": 3, "loss<=2": 1} {
		to, err := parseTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := to.reached(trial); p.Step != step || ok != (step > 0) {
			t.Errorf("%s is reached at step %d", text, p.Step)
		}
	}
}

func TestSpread(t *testing.T) {
	got := spread([]float64{0.3, math.NaN(), 0.1}, false)
	if got.Best != 0.1 || got.Median != 0.3 || got.Lo != 0.1 || !math.IsInf(float64(got.Hi), 1) {
		t.Errorf("a seed that diverged: %+v", got)
	}
	if got := spread([]float64{1, 2, 3}, true); got.Best != 3 || got.SD != 1 || got.Median != 2 {
		t.Errorf("%+v", got)
	}
}

// TestTicks wants two to as many marks as asked for, rising, within the axis, on any interval.
func TestTicks(t *testing.T) {
	r := data.NewRand(3, 0, 0)
	for range 500 {
		lo := math.Pow(10, 8*r.Float64()-6)
		hi := lo * math.Pow(10, 0.05+6*r.Float64())
		axes := []axis{newAxis(linear, 0, []float64{lo, hi}), newAxis(logarithmic, 0, []float64{lo, hi})}
		if e := 0.9 * r.Float64(); true {
			axes = append(axes, newAxis(accuracy, 1e-4, []float64{1 - e - 1e-3, 1 - e*r.Float64()*0.9}))
		}
		for _, a := range axes {
			ticks := a.ticks(7)
			if len(ticks) < 1 || len(ticks) > 9 || len(ticks) < 2 && a.scale != accuracy {
				t.Fatalf("%+v: ticks %v", a, ticks)
			}
			seen := map[string]bool{}
			for _, k := range ticks {
				if k.at < -1e-6 || k.at > 1+1e-6 || seen[k.text] {
					t.Fatalf("%+v: ticks %v", a, ticks)
				}
				seen[k.text] = true
			}
		}
	}
	for v, want := range map[float64]string{0: "0", 3e-5: "3e-5", 2.5e-7: "2.5e-7", 0.25: "0.25", 1500: "1500", 2e4: "20k", 3e6: "3M"} {
		if got := compact(v); got != want {
			t.Errorf("%v is printed %q, want %q", v, got, want)
		}
	}
}

func TestSVGEscapes(t *testing.T) {
	p := &plot{width: 100, height: 100, x: newAxis(linear, 0, []float64{0, 1}), y: newAxis(linear, 0, []float64{0, 1})}
	p.frame(3, 3, `<b>"&`, "x")
	if text := string(p.svg("<i>")); strings.Contains(text, "<b>") || strings.Contains(text, "<i>") {
		t.Errorf("not escaped: %s", text)
	}
}
