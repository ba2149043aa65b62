package schedule

import (
	"math"
	"strings"
	"testing"
)

func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		text, warmup string
		step, total  int
		want         float64
	}{
		{"constant", "", 7, 10, 1},
		{"cosine", "", 1, 10, 1},
		{"cosine", "", 6, 10, 0.5},
		{"cosine,end=0.2", "", 11, 10, 0.2},
		{"linear", "", 6, 10, 0.5},
		{"linear,end=0.5", "", 6, 10, 0.75},
		{"step", "", 5, 10, 1},
		{"step", "", 6, 10, 0.1},
		{"step,at=0.2/0.4,gamma=0.5", "", 10, 10, 0.25},
		{"onecycle", "", 1, 100, 0.04},
		{"onecycle", "", 100, 100, 0.0004},
		{"cosine", "4", 1, 10, 0.25},
		{"cosine", "4", 4, 10, 1},
		{"cosine", "40%", 5, 10, 1},
		{"cosine", "40%", 8, 10, 0.5},
	} {
		f, err := Parse(c.text, c.warmup)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := f(c.step, c.total); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s warm-up %q at %d of %d: %g, want %g", c.text, c.warmup, c.step, c.total, got, c.want)
		}
	}
}

func TestEveryScheduleStaysWithinBounds(t *testing.T) {
	for _, name := range Names() {
		kind, _ := Lookup(name)
		for _, text := range []string{name, kind.Example} {
			f, err := Parse(text, "")
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			for _, total := range []int{1, 2, 100} {
				for step := 1; step <= total; step++ {
					if got := f(step, total); !(got >= 0 && got <= 1) {
						t.Errorf("%s at %d of %d: %g", text, step, total, got)
					}
				}
			}
		}
	}
}

func TestSeveralSchedules(t *testing.T) {
	lr, others, err := ParseSeveral("weight_decay=linear,end=0.5; cosine;beta2=step,at=0.5,gamma=0.9", "2")
	if err != nil {
		t.Fatal(err)
	}
	if len(others) != 2 || others[0].Hyper != "weight_decay" || others[1].Hyper != "beta2" {
		t.Fatalf("schedules %v", others)
	}
	// The warm-up belongs to the learning rate alone.
	for i, got := range []float64{lr(1, 12), lr(8, 12), others[0].Factor(1, 12), others[0].Factor(7, 12), others[1].Factor(7, 12)} {
		if want := []float64{0.5, 0.5, 1, 0.75, 0.9}[i]; math.Abs(got-want) > 1e-12 {
			t.Errorf("value %d is %v, want %v", i, got, want)
		}
	}
	lr, _, err = ParseSeveral("weight_decay=linear", "")
	if err != nil || lr(7, 10) != 1 {
		t.Errorf("without a schedule of its own the learning rate is not constant, or error %v", err)
	}
	for text, want := range map[string]string{
		"cosine;linear": "lr has two schedules", "beta2=cosine;beta2=linear": "beta2 has two schedules", "beta2=cosin": `did you mean "cosine"?`,
		"beta2=": "unknown schedule",
	} {
		if _, _, err := ParseSeveral(text, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestBadSchedules(t *testing.T) {
	for _, c := range []struct{ text, warmup, want string }{
		{"cosin", "", `did you mean "cosine"`},
		{"cosine,stop=1", "", `no option "stop"`},
		{"cosine,end=2", "", "outside of [0,1]"},
		{"step,at=5", "", "list of fractions"},
		{"onecycle", "5%", "leave --warmup out"},
		{"cosine", "soon", "neither a number of steps nor"},
		{"cosine,end", "", "not key=value"},
	} {
		if _, err := Parse(c.text, c.warmup); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Parse(%q, %q) = %v, want %q", c.text, c.warmup, err, c.want)
		}
	}
}
