package compare

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/onnxtrain/onnxtrain/train"

	_ "github.com/onnxtrain/onnxtrain/backend/cpu"
	_ "github.com/onnxtrain/onnxtrain/graph/ops"
	_ "github.com/onnxtrain/onnxtrain/optimizers"
)

// small is a study of seconds.
func small(t *testing.T) Study {
	out := ""
	if t != nil {
		out = t.TempDir()
	}
	return Study{Optimizers: []string{"sgd", "rfrmsprop", "sgd,momentum=0.5"}, Trials: 5, Seeds: 2, Out: out,
		Train: train.Config{Model: "../../models/mlp.onnx", Data: "synthetic:?n=96", Loss: "auto", Init: "fresh", Schedule: "constant",
			Accumulate: 1, LossTerms: "batch+seq", Batch: 16, Steps: 16, Workers: 1, Threads: 1, Seed: 5}}
}

// watcher counts trials and calls stop after some.
type watcher struct {
	t     *testing.T
	plan  Plan
	fresh []string
	old   int
	after int
	stop  func()
}

func (w *watcher) Planned(p Plan) { w.plan = p }
func (w *watcher) Warned(string)  {}
func (w *watcher) Finished(t *Trial, old bool) {
	if old {
		w.old++
		return
	}
	w.fresh = append(w.fresh, t.file())
	if w.stop != nil && len(w.fresh) == w.after {
		w.stop()
	}
}

func mustRun(t *testing.T, s Study) (*Report, *watcher) {
	t.Helper()
	w := &watcher{t: t}
	r, err := Run(context.Background(), s, w)
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// whole is the small study, run once for all tests that only read it, and its directory.
var whole = sync.OnceValues(func() (r *Report, w *watcher) {
	s := small(nil)
	s.Out = wholeDir
	w = &watcher{}
	r, err := Run(context.Background(), s, w)
	if err != nil {
		panic(err)
	}
	return r, w
})

var wholeDir string

func TestMain(m *testing.M) {
	var err error
	if wholeDir, err = os.MkdirTemp("", "compare"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(wholeDir)
	os.Exit(code)
}

// timeless is the JSON of a report without what a clock measured.
func timeless(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.json(&b); err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	var strip func(v any)
	strip = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				strip(x)
			}
		case map[string]any:
			for _, name := range []string{"seconds", "step_ms", "update_ms", "search_seconds", "seconds_to_target"} {
				delete(v, name)
			}
			for _, x := range v {
				strip(x)
			}
		}
	}
	strip(v)
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSameResultsForAnyJobs(t *testing.T) {
	one, w := whole()
	if want := 3*5 + 3*2; w.plan.Trials != want || len(w.fresh) != want {
		t.Errorf("%d trials planned, %d run, want %d", w.plan.Trials, len(w.fresh), want)
	}
	s := small(t)
	s.Jobs = 3
	three, _ := mustRun(t, s)
	if got, want := timeless(t, three), timeless(t, one); got != want {
		t.Errorf("3 jobs report\n%s\none reports\n%s", got, want)
	}
}

// TestGoesOnAfterAStop ends a study after every few trials, in the middle of one, until it is done: no finished trial is run
// anew, and the report is that of a study that was left alone.
func TestGoesOnAfterAStop(t *testing.T) {
	alone, _ := whole()
	s := small(t)
	s.Jobs = 2 // so that a trial is in progress when another ends the study
	runs := map[string]int{}
	for round := 0; ; round++ {
		if round > 20 {
			t.Fatal("the study does not end")
		}
		ctx, stop := context.WithCancel(context.Background())
		w := &watcher{after: 4, stop: stop}
		r, err := Run(ctx, s, w)
		for _, name := range w.fresh {
			runs[name]++
		}
		stop()
		if errors.Is(err, ErrStopped) {
			// As a kill leaves it: half of a run.
			if err := os.MkdirAll(filepath.Join(s.Out, "work", "half"), 0o777); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, want := timeless(t, r), timeless(t, alone); got != want {
			t.Errorf("report of the study in parts:\n%s\nwant\n%s", got, want)
		}
		break
	}
	for name, n := range runs {
		if n != 1 {
			t.Errorf("%s was run %d times", name, n)
		}
	}
	if _, err := os.Stat(filepath.Join(s.Out, "work")); err == nil {
		t.Error("work is left behind")
	}
}

func TestEqualConditions(t *testing.T) {
	s := small(t)
	r, _ := whole()
	for _, row := range r.Rows {
		if len(row.Search) != s.Trials || len(row.Finals) != s.Seeds {
			t.Errorf("%s: %d trials, %d runs", row.Optimizer, len(row.Search), len(row.Finals))
		}
		for k, f := range row.Finals {
			if f.Seed != s.Train.Seed+1+uint64(k) || f.Opt != row.Best || f.Steps != 16 {
				t.Errorf("run %d of %s: seed %d, %s, %d steps", k, row.Optimizer, f.Seed, f.Opt, f.Steps)
			}
			// The first loss is that before any update: of the same weights and batch for every optimizer.
			if first := r.Rows[0].Finals[k].Curve[0]; f.Curve[0].Loss != first.Loss || first.Step != 1 {
				t.Errorf("run %d of %s begins at %v, another optimizer's at %v", k, row.Optimizer, f.Curve[0], first)
			}
		}
		for _, trial := range row.Search {
			if trial.Seed != s.Train.Seed {
				t.Errorf("trial %d of %s has seed %d", trial.Index, row.Optimizer, trial.Seed)
			}
			for i, d := range trial.Drawn {
				if dim := row.Space[i]; trial.Index > 0 && (d.Value < dim.Lo || d.Value > dim.Hi) || trial.Index == 0 && d.Value != dim.Default {
					t.Errorf("trial %d of %s: %v is not of %v", trial.Index, row.Optimizer, d, dim)
				}
			}
			if strings.HasPrefix(row.Optimizer, "sgd,") && !strings.Contains(trial.Opt, "momentum=0.5") {
				t.Errorf("a fixed setting is not in %q", trial.Opt)
			}
		}
	}
}

func TestHopelessTrialsEndEarly(t *testing.T) {
	s := small(t)
	s.Optimizers = []string{"sgd"}
	s.Tune, s.TuneOnly = []string{"lr=1e-9..1e-1"}, []string{"lr"} // most of the range learns nothing
	s.Trials = 7
	r, _ := mustRun(t, s)
	stopped := 0
	for _, trial := range r.Rows[0].Search {
		switch {
		case trial.Status == Stopped:
			stopped++
			if trial.Index < 3 || trial.Steps != []int{4, 8, 12}[len(trial.Marks)-1] || !strings.Contains(trial.Why, "median") {
				t.Errorf("trial %d stopped at step %d: %s", trial.Index, trial.Steps, trial.Why)
			}
		case trial.Status == Done && (trial.Steps != 16 || len(trial.Marks) != 3):
			t.Errorf("trial %d has %d steps, %d marks", trial.Index, trial.Steps, len(trial.Marks))
		}
	}
	if stopped == 0 || stopped != r.Rows[0].Stopped {
		t.Errorf("%d trials stopped, the report says %d", stopped, r.Rows[0].Stopped)
	}
	s.Out, s.Stop = t.TempDir(), "none"
	if r, _ := mustRun(t, s); r.Rows[0].Stopped != 0 {
		t.Errorf("%d trials stopped without a rule", r.Rows[0].Stopped)
	}
}

func TestDivergenceIsAResult(t *testing.T) {
	s := small(t)
	s.Optimizers = []string{"sgd,lr=1e30", "adamw"}
	s.Trials = 3
	s.TuneOnly = []string{"lr", "momentum"}
	r, _ := mustRun(t, s)
	if r.Rows[0].Optimizer != "adamw" {
		t.Fatalf("%s is first", r.Rows[0].Optimizer)
	}
	row := r.Rows[1]
	if row.Diverged != 3 || len(row.Finals) != 0 || row.Best != "" {
		t.Errorf("%d diverged, %d runs, best %q", row.Diverged, len(row.Finals), row.Best)
	}
	for _, format := range Formats {
		if err := r.Print(&bytes.Buffer{}, format); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
	s.Optimizers, s.Out, s.Trials = s.Optimizers[:1], t.TempDir(), 1 // no search, and no run that ends well
	r, _ = mustRun(t, s)
	if r.Rows[0].Failed != 2 || !strings.Contains(r.Verdict()[0], "No optimizer") {
		t.Errorf("%d failed; %v", r.Rows[0].Failed, r.Verdict())
	}
}

func TestPaperProtocol(t *testing.T) {
	s := small(t)
	s.Optimizers, s.Protocol, s.Trials = []string{"ifshampoo"}, "paper", 8
	s.Train.Model = "../../models/lenet5.onnx"
	r, _ := mustRun(t, s)
	row := r.Rows[0]
	stages := map[string]int{}
	for _, trial := range row.Search {
		stages[trial.Stage]++
		if !strings.Contains(trial.Opt, "interval=2") {
			t.Errorf("%s", trial.Opt)
		}
	}
	if !reflect.DeepEqual(stages, map[string]int{Search: 4, Refine: 4}) {
		t.Errorf("stages %v", stages)
	}
	for _, d := range row.Space {
		if d.Name == "damping" && d.Hi != 5e-4 {
			t.Errorf("damping up to %v", d.Hi)
		}
	}
}

func TestReportFiles(t *testing.T) {
	r, w := whole()
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(wholeDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 1<<20 {
			t.Errorf("%s has %d bytes", name, len(b))
		}
		return string(b)
	}
	page := read("report.html")
	for _, outside := range []string{"http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link"} {
		if strings.Contains(page, outside) {
			t.Errorf("the page holds %q", outside)
		}
	}
	if strings.Contains(page, "NaN") || strings.Contains(page, "ZgotmplZ") {
		t.Error("the page holds something that is no number or not allowed")
	}
	if n := strings.Count(page, "<svg"); n != 6+3+5+2 {
		t.Errorf("%d diagrams: want 6 of curves and one for each dimension", n)
	}
	picture := read("report.svg")
	if err := xml.Unmarshal([]byte(picture), new(struct{})); err != nil {
		t.Errorf("report.svg: %v", err)
	}
	if n := strings.Count(picture, "<svg"); n != 1+6 || strings.Contains(picture, "NaN") {
		t.Errorf("report.svg has %d diagrams, want 6 in one", n)
	}
	for _, row := range r.Rows {
		if !strings.Contains(picture, ">"+row.Optimizer+"</text>") {
			t.Errorf("report.svg does not name %s", row.Optimizer)
		}
	}
	table, err := csv.NewReader(strings.NewReader(read("report.csv"))).ReadAll()
	if err != nil || len(table) != 4 || table[0][0] != "optimizer" || table[1][0] != r.Rows[0].Optimizer {
		t.Errorf("report.csv: %v, %v", table, err)
	}
	table, err = csv.NewReader(strings.NewReader(read("trials.csv"))).ReadAll()
	if err != nil || len(table) != 1+w.plan.Trials {
		t.Errorf("trials.csv: %d lines, %v", len(table), err)
	}
	var back Report
	if err := json.Unmarshal([]byte(read("report.json")), &back); err != nil || len(back.Rows) != 3 || len(back.Rows[0].Val) != 16 ||
		!(back.Rows[0].Loss.Median > 0) || back.Rows[0].Loss.Lo > back.Rows[0].Loss.Hi || back.Rows[0].StateBytes < 0 {
		t.Errorf("report.json: %+v, %v", back, err)
	}
	if md := read("report.md"); strings.Count(md, "\n| ") < 6 || !strings.Contains(md, "# Optimizers on mlp.onnx") {
		t.Errorf("report.md:\n%s", md)
	}
}
