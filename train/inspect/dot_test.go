package inspect

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/scanner"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/graph/pass"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// parseDot reads the part of Graphviz's language that Dot writes: the numbers of nodes and edges.
func parseDot(text string) (nodes map[string]bool, edges int, err error) {
	var s scanner.Scanner
	s.Init(strings.NewReader(text))
	s.Mode = scanner.ScanIdents | scanner.ScanStrings | scanner.ScanInts
	s.Error = func(_ *scanner.Scanner, msg string) { err = errors.Join(err, errors.New(msg)) }
	var tokens []string
	for tok := s.Scan(); tok != scanner.EOF; tok = s.Scan() {
		tokens = append(tokens, s.TokenText())
	}
	take := func(want string) string {
		if len(tokens) == 0 {
			err = errors.Join(err, fmt.Errorf("end of text, want %q", want))
			return ""
		}
		tok := tokens[0]
		tokens = tokens[1:]
		if want != "" && tok != want {
			err = errors.Join(err, fmt.Errorf("%q, want %q", tok, want))
		}
		return tok
	}
	nodes = map[string]bool{}
	take("digraph")
	take("")
	take("{")
	for err == nil && len(tokens) > 0 && tokens[0] != "}" {
		first := take("")
		switch {
		case first == "node" || first == "edge":
		case tokens[0] == "-":
			take("-")
			take(">")
			if to := take(""); !nodes[first] || !nodes[to] {
				return nodes, edges, fmt.Errorf("an edge from %s to %s, which are not both nodes", first, to)
			}
			edges++
		case nodes[first]:
			return nodes, edges, fmt.Errorf("node %s twice", first)
		default:
			nodes[first] = true
		}
		take("[")
		for err == nil && len(tokens) > 0 && tokens[0] != "]" {
			take("")
			take("=")
			take("")
		}
		take("]")
	}
	take("}")
	return nodes, edges, err
}

func TestDot(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(models, "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d models, %v", len(files), err)
	}
	tool, _ := exec.LookPath("dot")
	for _, file := range files {
		for _, after := range []string{"bind", "loss", "clean"} {
			t.Run(filepath.Base(file)+"/"+after, func(t *testing.T) {
				var text bytes.Buffer
				var g *graph.Graph
				_, err := Model(file, Options{Batch: 4, Length: 16, After: after, Dump: func(at *graph.Graph) {
					g = at
					if err := Dot(&text, at); err != nil {
						t.Error(err)
					}
				}})
				if !errors.Is(err, pass.ErrStopped) {
					t.Fatal(err)
				}
				nodes, edges, err := parseDot(text.String())
				if want := len(g.Nodes) + len(g.Inputs) + len(g.Outputs); err != nil || len(nodes) != want || edges < len(g.Nodes)/2 {
					t.Errorf("%d nodes, want %d; %d edges; %v", len(nodes), want, edges, err)
				}
				if tool != "" && len(nodes) < 60 {
					c := exec.Command(tool, "-Tplain", "-o", filepath.Join(t.TempDir(), "plain"))
					c.Stdin = &text
					if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
						t.Errorf("dot: %v: %s", err, out)
					}
				}
			})
		}
	}
}

// TestDotOfOddNames writes names that hold what Graphviz's language is made of.
func TestDotOfOddNames(t *testing.T) {
	g := graph.New("a \"graph\"\n}")
	x := g.NewValue("x\\", graph.Input, graph.Type{DType: tensor.Float32, Shape: tensor.Shape{2}})
	g.Inputs = append(g.Inputs, x)
	n := g.AddNode(&graph.Node{Name: "\"]\n[\x00\xff", Op: graph.OpID{Domain: "a\"b", Type: "Op\\"}, In: []*graph.Value{x, nil, x}})
	n.Out = []*graph.Value{g.NewValue("y", graph.Computed, x.Type)}
	n.Out[0].Producer = n
	g.Outputs = n.Out
	var text bytes.Buffer
	if err := Dot(&text, g); err != nil {
		t.Fatal(err)
	}
	nodes, edges, err := parseDot(text.String())
	if err != nil || len(nodes) != 3 || edges != 3 {
		t.Errorf("%d nodes, %d edges, %v:\n%s", len(nodes), edges, err, text.String())
	}
}
