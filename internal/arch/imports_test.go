package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/onnxtrain/onnxtrain/"

// floors orders the top-level folders: imports only point down.
var floors = map[string]int{
	"internal": 0, "tensor": 0,
	"graph": 1, "registry": 1, "data": 1,
	"onnxload": 2, "backend": 2,
	"optimizers": 3,
	"train":      4,
	"cmd":        5,
}

// inside lists, within the folders of several packages, what a package may import of its own floor or ground floor.
// A package that is not listed follows its folder's floor alone.
var inside = map[string][]string{
	"internal/par":                  {},
	"internal/cpu":                  {},
	"internal/names":                {},
	"tensor":                        {},
	"tensor/linalg":                 {"internal/par", "internal/cpu"},
	"graph":                         {"tensor"},
	"graph/op":                      {"graph", "tensor", "internal/names"},
	"graph/ops":                     {"graph", "graph/op", "tensor"},
	"graph/autodiff":                {"graph", "graph/op", "tensor"},
	"graph/pass":                    {"graph", "graph/op", "graph/autodiff", "tensor", "internal/names"},
	"registry":                      {"tensor", "internal/names", "internal/par"},
	"registry/plugin":               {"registry", "registry/plugin/internal/wire", "tensor", "internal/par"},
	"registry/plugin/internal/wire": {"registry", "tensor"},
	"registry/plugin/host":          {"registry", "registry/plugin/internal/wire", "tensor", "internal/par", "internal/memory"},
	"data":                          {"tensor", "internal/names", "internal/memory"},
	"onnxload":                      {"graph", "tensor", "onnxload/internal/onnxpb"},
	"backend":                       {"graph", "tensor", "internal/names", "internal/par"},
	"train/checkpoint":              {"tensor"},
	"train/compare":                 {"data", "registry", "train", "internal/cpu", "internal/memory", "internal/names", "internal/par"},
	"backend/cpu":                   {"backend", "graph", "graph/op", "graph/ops", "tensor", "tensor/linalg", "internal/par", "internal/cpu"},
	"backend/onnxgo":                {"backend", "backend/cpu", "graph", "graph/op", "graph/pass", "tensor", "internal/par"},
}

// confined lists modules that only some packages may import.
var confined = map[string][]string{
	"github.com/gogo/protobuf":        {"onnxload"},
	"github.com/hashicorp/go-hclog":   {"cmd", "registry/plugin/host"},
	"github.com/hashicorp/go-plugin":  {"registry/plugin/host"},
	"google.golang.org/grpc":          {},
	"github.com/owulveryck/onnx-go":   {"backend/onnxgo"},
	"gorgonia.org/tensor":             {"backend/onnxgo"},
	"github.com/alecthomas/kong":      {"cmd"},
	"github.com/goccy/go-yaml":        {"train", "cmd"},
	"golang.org/x/image":              {"data"},
	"golang.org/x/sys/cpu":            {"internal/cpu"},
	"os/exec":                         {"registry/plugin/host"},
	"net":                             {},
	"net/http":                        {},
	"github.com/google/renameio/v2":   {"onnxload", "train", "cmd"},
	"gonum.org/v1/gonum/mat":          {},
	"log":                             {},
	"github.com/mattn/go-isatty":      {"cmd"},
	"google.golang.org/protobuf":      {},
	"github.com/golang/protobuf":      {},
	"github.com/onnxtrain/onnxtrain/": {"internal", "tensor", "graph", "registry", "data", "onnxload", "backend", "optimizers", "train", "cmd", "models"},
}

// TestImports holds the packages to the table of allowed imports. Tests may import what they like.
func TestImports(t *testing.T) {
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if base := path.Base(rel); rel != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "examples") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if why := forbidden(path.Dir(rel), imported); why != "" {
				t.Errorf("%s imports %s: %s", rel, imported, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// forbidden says why a package may not import another, "" when it may.
func forbidden(pkg, imported string) string {
	for prefix, allowed := range confined {
		if imported != prefix && !strings.HasPrefix(imported, strings.TrimSuffix(prefix, "/")+"/") {
			continue
		}
		if !slices.ContainsFunc(allowed, func(a string) bool { return pkg == a || strings.HasPrefix(pkg, a+"/") }) {
			return "that module is confined to " + strings.Join(allowed, ", ")
		}
	}
	local, own := strings.CutPrefix(imported, module)
	if !own {
		return ""
	}
	if list, listed := inside[pkg]; listed {
		if !slices.Contains(list, local) {
			return "the table does not list it"
		}
		return ""
	}
	if from, to := floors[top(pkg)], floors[top(local)]; to > from || to == from && top(pkg) != top(local) {
		return "imports point down the floors"
	}
	return ""
}

// TestBinaryLeavesOnnxGoOut follows the imports of the program: what is for users of onnx-go is not in it.
func TestBinaryLeavesOnnxGoOut(t *testing.T) {
	seen := map[string]bool{}
	var follow func(pkg string)
	follow = func(pkg string) {
		if seen[pkg] {
			return
		}
		seen[pkg] = true
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(pkg), "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("package %s has %d files, %v", pkg, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range f.Imports {
				if local, own := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module); own {
					follow(local)
				}
			}
		}
	}
	follow("cmd/onnxtrain")
	if !seen["backend/cpu"] || seen["backend/onnxgo"] {
		t.Errorf("the program imports %v", slices.Sorted(maps.Keys(seen)))
	}
}

func top(pkg string) string {
	first, _, _ := strings.Cut(pkg, "/")
	return first
}

func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		pkg, imported string
		ok            bool
	}{
		{"graph", module + "tensor", true},
		{"graph", module + "onnxload", false},
		{"tensor", module + "graph", false},
		{"graph/op", module + "graph/ops", false},
		{"optimizers", module + "backend", true},
		{"registry", module + "data", false},
		{"data", "net/http", false},
		{"registry", "github.com/hashicorp/go-hclog", false},
		{"onnxload/internal/onnxpb", "github.com/gogo/protobuf/proto", true},
		{"cmd/onnxtrain", module + "train", true},
		{"train", module + "cmd/onnxtrain", false},
	} {
		if why := forbidden(c.pkg, c.imported); (why == "") != c.ok {
			t.Errorf("%s importing %s: %q", c.pkg, c.imported, why)
		}
	}
}
