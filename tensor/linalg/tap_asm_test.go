package linalg

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The committed assembly is what its generator writes.
func TestTapAssemblyIsGenerated(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go tool")
	}
	dir := t.TempDir()
	cmd := exec.Command(goTool, "run", "./tap", "-out", dir)
	cmd.Dir = "_asm"
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOOS=", "GOARCH=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go run ./tap: %v\n%s", err, out)
	}
	want, err := os.ReadFile(filepath.Join(dir, "tap_amd64.s"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("tap_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("tap_amd64.s is not what _asm/tap writes: run go generate ./tensor/linalg")
	}
}
