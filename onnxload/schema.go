package onnxload

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

//go:generate sh -c "python3 attributes.py > attributes.txt"

// attributesText has a line for every version of a standard operator that changes its attributes: the operator, the opset
// that brought the version, and the attributes with their types.
//
//go:embed attributes.txt
var attributesText string

// schema is the attributes that an operator takes from an opset on, with their types by name.
type schema struct {
	since int
	types map[string]string
}

// schemas are those of the standard operators by name, with ascending opsets.
var schemas = sync.OnceValue(func() map[string][]schema {
	all := map[string][]schema{}
	for line := range strings.Lines(attributesText) {
		f := strings.Fields(line)
		since, err := strconv.Atoi(f[1])
		if err != nil {
			panic(fmt.Sprintf("onnxload: attributes.txt: %q: %v", line, err))
		}
		s := schema{since, map[string]string{}}
		for _, attribute := range f[2:] {
			name, typ, _ := strings.Cut(attribute, ":")
			s.types[name] = typ
		}
		all[f[0]] = append(all[f[0]], s)
	}
	return all
})

// checkAttributes compares the attributes of a standard operator with what its version takes: one of another name or type
// would be passed over, and the default taken in its place.
func checkAttributes(op graph.OpID, attrs graph.Attrs) error {
	if op.Domain != "" {
		return nil
	}
	versions := schemas()[op.Type]
	i, _ := slices.BinarySearchFunc(versions, op.Since+1, func(s schema, since int) int { return s.since - since })
	if i == 0 {
		return nil // no such operator, which is said where operators are resolved
	}
	types := versions[i-1].types
	for _, a := range attrs {
		want, known := types[a.Name]
		if !known {
			return fmt.Errorf("%s has no attribute %q in opset %d", op.Type, a.Name, op.Since)
		}
		if have := attributeKind(a.Value); have != want {
			return fmt.Errorf("attribute %q is of type %s, %s takes %s", a.Name, have, op.Type, want)
		}
	}
	return nil
}

// attributeKind is the type of a value in the words of attributes.txt.
func attributeKind(value any) string {
	switch value.(type) {
	case int64:
		return "int"
	case float32:
		return "float"
	case string:
		return "string"
	case *tensor.Tensor:
		return "tensor"
	case *graph.Graph:
		return "graph"
	case []int64:
		return "ints"
	case []float32:
		return "floats"
	case []string:
		return "strings"
	case []*tensor.Tensor:
		return "tensors"
	}
	return "graphs"
}
