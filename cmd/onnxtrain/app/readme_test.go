package app

import (
	"bufio"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestReadmeCommands parses every onnxtrain command of the README, so that none names a flag that is not there.
func TestReadmeCommands(t *testing.T) {
	run := t.TempDir() // some commands look at the run they name
	runOK(t, "--model", models+"mlp.onnx", "--data", "synthetic:?n=64", "--steps", "1", "--out", run)
	for _, file := range []string{"README.md", "models/README.md", "docs/plugins.md"} {
		f, err := os.Open("../../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		found := 0
		for s := bufio.NewScanner(f); s.Scan(); {
			line, ok := strings.CutPrefix(strings.TrimSpace(s.Text()), "onnxtrain ")
			if !ok {
				continue
			}
			line, _, _ = strings.Cut(strings.ReplaceAll(line, "runs/my-run", run), "  #")
			found++
			var c cli
			parser, err := kong.New(&c, kong.Exit(func(int) {}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(words(line)); err != nil {
				t.Errorf("%s: onnxtrain %s: %v", file, line, err)
			}
		}
		if found < 5 {
			t.Errorf("%s has only %d commands", file, found)
		}
	}
}

var word = regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`)

// words splits a command line of plain and double-quoted words, as the shell does.
func words(line string) []string {
	var list []string
	for _, w := range word.FindAllString(line, -1) {
		list = append(list, strings.Trim(w, `"'`))
	}
	return list
}
