//go:build linux

package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPluginCommands installs, lists, uses and removes a plugin.
func TestPluginCommands(t *testing.T) {
	dir, folder := t.TempDir(), filepath.Join(t.TempDir(), "plugins")
	t.Setenv("ONNXTRAIN_PLUGINS", folder)
	t.Setenv(armedEnv, filepath.Join(dir, "armed"))
	t.Setenv(faultEnv, "")
	script := faultyPlugin(t, dir, "anything.sh")
	if out := runOK(t, "plugins", "list"); !strings.Contains(out, "no plugins") {
		t.Errorf("an empty folder:\n%s", out)
	}
	if out := runOK(t, "plugins", "install", script); !strings.Contains(out, filepath.Join(folder, "faulty.sh")) {
		t.Errorf("installed:\n%s", out)
	}
	if said := runFails(t, 2, "plugins", "install", script); !strings.Contains(said, "installed already") {
		t.Errorf("installed twice:\n%s", said)
	}
	runOK(t, "plugins", "install", "--force", script)
	var list []listed
	if err := json.Unmarshal([]byte(runOK(t, "plugins", "list", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Name != "faulty" || list[0].Version != "1.0" || list[0].Kind != "program" || len(list[0].Digest) != 64 ||
		list[0].Error != "" {
		t.Errorf("listed %+v", list)
	}
	if out := runOK(t, "optimizers", "list"); !strings.Contains(out, filepath.Join(folder, "faulty.sh")) {
		t.Errorf("optimizers list lacks it:\n%s", out)
	}
	if out := runOK(t, "optimizers", "describe", "faulty"); !strings.Contains(out, "weight_decay") {
		t.Errorf("described:\n%s", out)
	}
	runOK(t, trainWith(filepath.Join(dir, "run"), "--opt", "faulty,lr=0.01")...)
	needy := filepath.Join(dir, "needy")
	if err := os.WriteFile(needy, []byte("#!/bin/sh\nexec \"$(dirname \"$0\")/anything.sh\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	runOK(t, "plugins", "remove", "faulty")
	if said := runFails(t, 7, "plugins", "install", needy); !strings.Contains(said, "needs none beside it") {
		t.Errorf("a program that starts another beside it:\n%s", said)
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("%s holds %v", folder, left)
	}
	runOK(t, "plugins", "install", script)

	other := filepath.Join(folder, "faulty")
	copyFile(t, filepath.Join(folder, "faulty.sh"), other)
	if said := runFails(t, 2, trainWith(filepath.Join(dir, "run2"), "--opt", "faulty")...); !strings.Contains(said, "several files") {
		t.Errorf("two files of a name:\n%s", said)
	}
	os.Rename(other, filepath.Join(folder, "stranger"))
	if said := runFails(t, 7, trainWith(filepath.Join(dir, "run2"), "--opt", "stranger")...); !strings.Contains(said, `calls itself "faulty"`) {
		t.Errorf("a file of another name:\n%s", said)
	}
	os.Rename(filepath.Join(folder, "stranger"), filepath.Join(folder, "adamw"))
	if out := runOK(t, "plugins", "list"); !strings.Contains(out, "built-in optimizer") {
		t.Errorf("a name that is taken:\n%s", out)
	}
	runOK(t, "plugins", "remove", "adamw")
	runOK(t, "plugins", "remove", "faulty")
	runFails(t, 2, "plugins", "remove", "faulty")
	runFails(t, 2, trainWith(filepath.Join(dir, "run2"), "--opt", "faulty")...)

	t.Setenv(faultEnv, "twin")
	for _, args := range [][]string{{"plugins", "install", script}, trainWith(filepath.Join(dir, "run3"), "--plugin", script)} {
		if said := runFails(t, 2, args...); !strings.Contains(said, "built-in") {
			t.Errorf("the name of a built-in optimizer:\n%s", said)
		}
	}
}

// TestPluginsTest checks one that keeps its promises, by the recordings of the optimizer that it is the same as, and one that
// does not.
func TestPluginsTest(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(armedEnv, filepath.Join(dir, "armed"))
	t.Setenv(faultEnv, "twin")
	good := runOK(t, "plugins", "test", faultyPlugin(t, dir, "adamw-mine"), "--size", "1000", "--updates", "3")
	for _, want := range []string{"ok    converges", "ok    follows the recording adamw", "update of 1000 elements", "built-in adamw:",
		"checks passed"} {
		if !strings.Contains(good, want) {
			t.Errorf("%q is not said:\n%s", want, good)
		}
	}
	t.Setenv(faultEnv, "")
	var stdout, stderr bytes.Buffer
	code := run([]string{"plugins", "test", faultyPlugin(t, dir, "faulty"), "--size", "0"}, &stdout, &stderr)
	if code != 7 || !strings.Contains(stdout.String(), "FAIL  ") || !strings.Contains(stdout.String(), "checks failed") {
		t.Errorf("an optimizer that takes float32 alone: exit code %d\n%s%s", code, stdout.Bytes(), stderr.Bytes())
	}
}

// TestPageWritesAnONNXFile runs the script that docs/plugins.md shows, and what it writes.
func TestPageWritesAnONNXFile(t *testing.T) {
	page, err := os.ReadFile("../../../docs/plugins.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(page), "```python\n")
	script, _, _ = strings.Cut(script, "```\n")
	dir := t.TempDir()
	if exec.Command("python3", "-c", "import onnx.parser").Run() != nil {
		t.Skip("there is no python3 with onnx")
	}
	python := exec.Command("python3", "-c", script)
	python.Dir = dir
	if said, err := python.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	file := filepath.Join(dir, "signum.onnx")
	runOK(t, "plugins", "test", file, "--size", "0")
	runOK(t, trainWith(filepath.Join(dir, "run"), "--plugin", file, "--opt", "signum,momentum=0.8")...)
}

// TestCompareTakesPlugins compares a program with a built-in optimizer.
func TestCompareTakesPlugins(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(armedEnv, filepath.Join(dir, "armed"))
	t.Setenv(faultEnv, "")
	out := filepath.Join(dir, "study")
	runOK(t, "compare", "--model", models+"mlp.onnx", "--opts", "sgd,faulty", "--plugin", faultyPlugin(t, dir, "faulty"), "--steps", "4",
		"--trials", "2", "--seeds", "1", "--batch", "16", "--out", out)
	b, err := os.ReadFile(filepath.Join(out, "report.json"))
	if err != nil || !bytes.Contains(b, []byte(`"faulty`)) {
		t.Errorf("the report: %v\n%s", err, b)
	}
	if left := leftovers(t, dir); left != "" {
		t.Errorf("left over: %s", left)
	}
}

// TestPluginsAreNotFoundInTheWorkingFolder puts one there, and one beside the model.
func TestPluginsAreNotFoundInTheWorkingFolder(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(armedEnv, filepath.Join(dir, "armed"))
	copyFile(t, models+"mlp.onnx", filepath.Join(dir, "mlp.onnx"))
	faultyPlugin(t, dir, "faulty")
	t.Chdir(dir)
	for _, folders := range []string{"", ".", "plugins:."} {
		t.Setenv("ONNXTRAIN_PLUGINS", folders)
		runFails(t, 2, "--model", "mlp.onnx", "--opt", "faulty", "--steps", "1")
	}
}

// TestResumeWithAnotherPlugin goes on with another file, which has to be said.
func TestResumeWithAnotherPlugin(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(armedEnv, filepath.Join(dir, "armed"))
	t.Setenv(faultEnv, "")
	script, out := faultyPlugin(t, dir, "faulty"), filepath.Join(dir, "run")
	runOK(t, trainWith(out, "--save-every", "3", "--plugin", script, "--opt", "faulty,lr=0.05")...)
	f, err := os.OpenFile(script, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(f, "# changed")
	f.Close()
	newest, _ := filepath.Glob(filepath.Join(out, "checkpoints", "*3"))
	if len(newest) != 1 {
		t.Fatalf("checkpoints %v", newest)
	}
	if said := runFails(t, 2, "train", "--resume", newest[0]); !strings.Contains(said, "--changed-optimizer") {
		t.Errorf("a changed plugin:\n%s", said)
	}
	runOK(t, "train", "--resume", newest[0], "--changed-optimizer", "--progress", "none")
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}
