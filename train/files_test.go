package train

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestHostileConfigurations reads files that are none, or that YAML makes large.
func TestHostileConfigurations(t *testing.T) {
	bomb := "freeze:\n- &a x\n"
	for c := 'b'; c < 'z'; c++ {
		bomb += "- &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "]\n"
	}
	for _, c := range []struct{ name, text, want string }{
		{"aliases of aliases", bomb, "aliases"},
		{"merge of itself", "group: &a\n- *a\n", ""},
		{"nesting", "freeze: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), ""},
		{"open nesting", "freeze: " + strings.Repeat("[", 20000), "nested"},
		{"nested lists", "freeze:\n" + strings.Repeat("- ", 1<<14) + "x", "nested"},
		{"nested keys", strings.Repeat("? ", 1<<14) + "x", "nested"},
		{"nested mappings", strings.Repeat("{a: ", 1<<14), "nested"},
		{"long lines", "freeze: [" + strings.Repeat("x,", 1<<14), ""},
		{"quotes", "freeze: '" + strings.Repeat("''", 1<<14), ""},
		{"many lines", strings.Repeat("- x\n", 1<<14), ""},
		{"colons", strings.Repeat(":", 1<<15), ""},
		{"large", "model: " + strings.Repeat("x", maxConfig), "no configuration"},
		{"binary", string([]byte{0, 1, 2, 0xff, 0xfe}), ""},
		{"tag", "model: !!python/object/apply:os.system [id]\n", ""},
		{"other type", "batch: [1]\n", "batch"},
		{"unknown key", "modle: x\n", "modle"},
		{"number out of range", "batch: 99999999999999999999\n", "batch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			var config Config
			err := ParseConfig("c.yaml", []byte(c.text), &config)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if kind(err) != Usage || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v", err)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 || took > 2*time.Second {
				t.Errorf("%d MiB and %v", n>>20, took)
			}
		})
	}
}

// TestHostileMetrics goes on from metrics that are damaged: what is whole before the damage stays.
func TestHostileMetrics(t *testing.T) {
	line := `{"step":1,"loss":2}` + "\n"
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"whole", line + line, 2 * len(line)},
		{"cut off", line + line[:7], len(line)},
		{"binary", line + "\x00\xff\n" + line, len(line)},
		{"a later step", line + `{"step":9}` + "\n" + line, len(line)},
		{"a step that is no number", line + `{"step":"1"}` + "\n", len(line)},
		{"an endless line", line + strings.Repeat("x", 10<<20), len(line)},
		{"a line that is too long", line + `{"step":1,"x":"` + strings.Repeat("x", maxLine) + `"}` + "\n" + line, len(line)},
		{"nesting", line + `{"x":` + strings.Repeat("[", 30000) + "\n", len(line)},
		{"empty", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := t.TempDir()
			file := filepath.Join(out, "metrics.jsonl")
			if err := os.WriteFile(file, []byte(c.text), 0o666); err != nil {
				t.Fatal(err)
			}
			d, err := openRunDir(&Config{Out: out}, false)
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if err := d.rewind(5); err != nil {
				t.Fatal(err)
			}
			if err := d.Log(Metrics{Step: 6}); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(file)
			if err != nil || !strings.HasPrefix(string(b), c.text[:c.want]+`{"step":6,`) {
				t.Errorf("%v, %d bytes", err, len(b))
			}
		})
	}
}

// TestOneRunAFolder: a folder takes one run at a time, and runs that start within one second get folders of their own.
func TestOneRunAFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	now := time.Now()
	var dirs []*RunDir
	for range 2 {
		d, err := CreateRunDir(&Config{Model: "net.onnx"}, "sgd", now)
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, d)
	}
	if dirs[0].Path == dirs[1].Path {
		t.Errorf("both runs are in %s", dirs[0].Path)
	}
	again := Config{Model: "net.onnx", Out: dirs[0].Path, Overwrite: true}
	if d, err := CreateRunDir(&again, "sgd", now); err == nil || kind(err) != Usage {
		t.Errorf("a second process may overwrite a run in progress: %v, %v", d, err)
	}
	if _, err := os.Stat(filepath.Join(dirs[0].Path, "metrics.jsonl")); err != nil {
		t.Errorf("refusing took files away: %v", err)
	}
	for _, d := range dirs {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	d, err := CreateRunDir(&again, "sgd", now)
	if err != nil {
		t.Fatal(err)
	}
	_ = d.Close()
}
