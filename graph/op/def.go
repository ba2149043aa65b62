// Package op is the table of operators: what each one means, and how its gradient is written as graph nodes.
package op

import (
	"fmt"
	"sort"
	"sync"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/internal/names"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Internal is the domain of operators that only passes and gradients emit, such as ConvGradWeight.
const Internal = "onnxtrain"

// Def says what one version of an operator means. Speed lives in backends and must agree with Eval.
type Def struct {
	Domain, Type string
	Since        int // the opset that introduced this version; 1 for internal operators

	// Infer sets the type of every output that is asked for from the types and attributes of the inputs, all
	// static; it may read constant inputs through ConstInput. It reports inputs and attributes that the operator
	// does not allow, so that Eval, Grad and kernels need not check again.
	Infer func(n *graph.Node) error
	// Grad emits the gradients of the inputs that want one; nil: gradients stop here.
	Grad func(b *Backward)
	// NoGrad lists inputs that have no gradient: indices, targets, shapes.
	NoGrad []int
	// Eval is the reference, computed in float64 (integers in int64) whatever the types. in and out follow n.In
	// and n.Out: nil where absent, out allocated with the inferred types.
	Eval func(n *graph.Node, in, out []*tensor.Tensor) error
	// Random marks operators whose result is not a function of their inputs alone; they are never folded or merged.
	Random bool
	// View marks operators whose first output has the elements of the first input in the same order.
	View bool
	// Samples are what every implementation and the gradient are tested on.
	Samples func() []Sample
}

// ID is the operator's name and version.
func (d Def) ID() graph.OpID { return graph.OpID{Domain: d.Domain, Type: d.Type, Since: d.Since} }

// Sample is a call of an operator.
type Sample struct {
	Name  string
	Attrs graph.Attrs
	In    []*tensor.Tensor // nil: absent
	Const []int            // inputs that Infer needs as constants
	Outs  int              // outputs asked for; 0 means 1
	// Want, when given, is the expected outputs, from the ONNX specification or another implementation.
	Want []*tensor.Tensor
	// NoGrad leaves the sample out of gradient checks: it lies on a kink.
	NoGrad bool
}

var table struct {
	sync.Mutex
	defs map[[2]string][]Def // by domain and type, ascending Since
}

// Register adds an operator version; it panics on a definition that is incomplete or there already.
func Register(d Def) {
	if d.Type == "" || d.Since < 1 || d.Infer == nil || d.Eval == nil {
		panic(fmt.Sprintf("op: incomplete definition of %v", d.ID()))
	}
	table.Lock()
	defer table.Unlock()
	if table.defs == nil {
		table.defs = map[[2]string][]Def{}
	}
	key := [2]string{d.Domain, d.Type}
	versions := table.defs[key]
	i := sort.Search(len(versions), func(i int) bool { return versions[i].Since >= d.Since })
	if i < len(versions) && versions[i].Since == d.Since {
		panic(fmt.Sprintf("op: %v registered twice", d.ID()))
	}
	table.defs[key] = append(versions[:i:i], append([]Def{d}, versions[i:]...)...)
}

// Resolve returns the newest version of an operator that an opset has: Since <= opset.
func Resolve(domain, typ string, opset int) (Def, error) {
	table.Lock()
	versions := table.defs[[2]string{domain, typ}]
	table.Unlock()
	for i := len(versions) - 1; i >= 0; i-- {
		if versions[i].Since <= opset {
			return versions[i], nil
		}
	}
	name := typ
	if domain != "" {
		name = domain + "::" + typ
	}
	if len(versions) > 0 {
		return Def{}, fmt.Errorf("operator %s is supported from opset %d, the model uses opset %d", name, versions[0].Since, opset)
	}
	if near := names.Nearest(typ, typesOf(domain)); near != "" {
		return Def{}, fmt.Errorf("operator %s is not supported (the nearest that is: %s)", name, near)
	}
	return Def{}, fmt.Errorf("operator %s is not supported", name)
}

// Of returns the definition of a resolved node's operator.
func Of(n *graph.Node) (Def, error) {
	d, err := Resolve(n.Op.Domain, n.Op.Type, n.Op.Since)
	if err == nil && d.Since != n.Op.Since {
		err = fmt.Errorf("operator %v is not resolved", n.Op)
	}
	return d, graph.At(n, err)
}

// All lists every version of every operator, sorted by domain, type and version.
func All() []Def {
	table.Lock()
	defer table.Unlock()
	var all []Def
	for _, versions := range table.defs {
		all = append(all, versions...)
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if a.Domain != b.Domain {
			return a.Domain < b.Domain
		}
		if a.Type != b.Type {
			return a.Type < b.Type
		}
		return a.Since < b.Since
	})
	return all
}

func typesOf(domain string) []string {
	var types []string
	for _, d := range All() {
		if d.Domain == domain {
			types = append(types, d.Type)
		}
	}
	return types
}
