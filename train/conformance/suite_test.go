package conformance

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/onnxtrain/onnxtrain/backend/cpu"
)

var update = flag.Bool("update", false, "write testdata/conformance/unsupported.txt anew")

var (
	committed = filepath.Join("..", "..", "testdata", "conformance")
	manifest  = filepath.Join(committed, "unsupported.txt")
	suite     = filepath.Join("..", "..", "..", "shared", "conformance", "onnx-backend-tests.tar.gz")
)

// results runs all cases of a folder or archive.
func results(t *testing.T, where string) []Result {
	t.Helper()
	cases, err := Read(where)
	if err != nil {
		t.Fatal(err)
	}
	var all []Result
	for _, c := range cases {
		all = append(all, c.Run(context.Background()))
	}
	return all
}

// TestSuite holds the ONNX backend test cases to the manifest of those that are not supported: a case that starts to
// pass, one that is lost and one that fails for another reason are errors until it is written anew with
//
//	go test ./train/conformance -run TestSuite -update
func TestSuite(t *testing.T) {
	if _, err := os.Stat(suite); err != nil {
		t.Skipf("the ONNX backend test cases are not here: %v", err)
	}
	all := results(t, suite)
	passed, byReason := 0, map[string][]string{}
	for _, r := range all {
		switch r.Status {
		case "passed":
			passed++
		case "failed":
			t.Errorf("%s: %s", r.Name, r.Why)
		default:
			byReason[r.Reason()] = append(byReason[r.Reason()], r.Name)
		}
	}
	if share := float64(passed) / float64(len(all)); share < 0.87 {
		t.Errorf("%.1f %% of %d cases pass, want 87 %%", 100*share, len(all))
	}
	got := formatManifest(byReason)
	if *update {
		if err := os.WriteFile(manifest, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	want := string(b)
	if got == want {
		return
	}
	before, now := reasons(want), reasons(got)
	for name, reason := range now {
		switch old, listed := before[name]; {
		case !listed:
			t.Errorf("%s is lost: %s", name, reason)
		case old != reason:
			t.Errorf("%s needs %s, where the manifest says %s", name, reason, old)
		}
	}
	for name, reason := range before {
		if _, listed := now[name]; !listed {
			t.Errorf("%s passes, and the manifest says that it needs %s", name, reason)
		}
	}
	t.Error("the manifest differs; when that is meant, run: go test ./train/conformance -run TestSuite -update")
}

// TestCommittedCases runs the cases that come with the project.
func TestCommittedCases(t *testing.T) {
	b, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	unsupported := reasons(string(b))
	all := results(t, filepath.Join(committed, "cases"))
	if len(all) < 40 {
		t.Errorf("%d cases, want 40", len(all))
	}
	for _, r := range all {
		switch reason, listed := unsupported[r.Name]; {
		case listed && (r.Status != "unsupported" || r.Reason() != reason):
			t.Errorf("%s is %s (%s), and the manifest says that it needs %s", r.Name, r.Status, r.Why, reason)
		case !listed && r.Status != "passed":
			t.Errorf("%s is %s: %s", r.Name, r.Status, r.Why)
		}
	}
}

// formatManifest lists cases under what they need.
func formatManifest(byReason map[string][]string) string {
	var keys []string
	for reason := range byReason {
		keys = append(keys, reason)
	}
	slices.Sort(keys)
	var s strings.Builder
	s.WriteString("Cases of the ONNX backend tests that are not supported, under what they need. Written by\n" +
		"go test ./train/conformance -run TestSuite -update\n")
	for _, reason := range keys {
		fmt.Fprintf(&s, "\n%s:\n", reason)
		for _, name := range byReason[reason] {
			fmt.Fprintf(&s, "\t%s\n", name)
		}
	}
	return s.String()
}

// reasons reads a manifest: what each case needs.
func reasons(text string) map[string]string {
	all, reason := map[string]string{}, ""
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(line, "\t"); ok {
			all[strings.TrimSpace(name)] = reason
		} else {
			reason = strings.TrimSuffix(strings.TrimSpace(line), ":")
		}
	}
	return all
}
