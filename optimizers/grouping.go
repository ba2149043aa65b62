package optimizers

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onnxtrain/onnxtrain/internal/names"
	"github.com/onnxtrain/onnxtrain/registry"
)

// The rules by which IF-Shampoo forms the tensors that it preconditions; of several the first that applies wins.
const (
	perParameter     = "per_parameter"
	linearWeightBias = "linear_weight_bias" // [W | b] as one matrix
	flattenEmbedding = "flatten_embedding"  // an embedding as one vector
)

// grouping is rules in order, as text "linear_weight_bias/per_parameter".
type grouping []string

func (g *grouping) UnmarshalText(text []byte) error {
	all := []string{perParameter, linearWeightBias, flattenEmbedding}
	plain := strings.NewReplacer("_", "", "-", "")
	*g = nil
	for _, item := range strings.Split(string(text), "/") {
		at := slices.IndexFunc(all, func(rule string) bool {
			return plain.Replace(rule) == strings.ToLower(plain.Replace(item))
		})
		if at < 0 {
			msg := fmt.Sprintf("is wrong: %q is no rule", item)
			if near := names.Nearest(item, all); near != "" {
				msg += fmt.Sprintf("; did you mean %q?", near)
			}
			return fmt.Errorf("%s (there are: %s)", msg, strings.Join(all, " "))
		}
		*g = append(*g, all[at])
	}
	return nil
}

func (g grouping) MarshalText() ([]byte, error) { return []byte(strings.Join(g, "/")), nil }

// partition splits parameters into groups by index. What no rule covers is in no group.
func (g grouping) partition(ps []registry.ParamInfo) [][]int {
	var groups [][]int
	free := make([]bool, len(ps))
	for i := range free {
		free[i] = true
	}
	for _, rule := range g {
		for i, p := range ps {
			if !free[i] {
				continue
			}
			members := []int{i}
			switch rule {
			case linearWeightBias:
				bias := biasOf(ps, i)
				if bias < 0 || !free[bias] {
					continue
				}
				members = []int{i, bias}
			case flattenEmbedding:
				if p.Role != registry.Embedding {
					continue
				}
			}
			for _, m := range members {
				free[m] = false
			}
			groups = append(groups, members)
		}
	}
	return groups
}

// biasOf finds the bias of a linear layer's weight by name, or -1: "fc.bias" belongs to "fc.weight" when its length is
// the number of the matrix's rows or, in files that store it transposed, columns.
func biasOf(ps []registry.ParamInfo, weight int) int {
	w := ps[weight]
	layer, ok := strings.CutSuffix(w.Name, "weight")
	if !ok || len(w.Shape) != 2 || w.Role == registry.Embedding {
		return -1
	}
	for i, b := range ps {
		if b.Name == layer+"bias" && len(b.Shape) == 1 && b.DType == w.DType && (b.Shape[0] == w.Shape[0] || b.Shape[0] == w.Shape[1]) {
			return i
		}
	}
	return -1
}

// flattens reports whether the first rule that applies to a lone parameter makes it a vector.
func (g grouping) flattens(p registry.ParamInfo) bool {
	for _, rule := range g {
		switch {
		case rule == perParameter:
			return false
		case rule == flattenEmbedding && p.Role == registry.Embedding:
			return true
		}
	}
	return false
}

// join is how the gradients of a group form one tensor.
type join uint8

const (
	alone       join = iota
	withColumn       // [W | b]
	withLastRow      // W over b
)

// combined is the tensor of a group: its dimensions without those of size 1.
func (g grouping) combined(ps []registry.ParamInfo, convAsMatrix bool) (join, []int) {
	how, dims := alone, []int(ps[0].Shape)
	switch {
	case len(ps) == 2 && ps[1].Shape[0] == ps[0].Shape[0]:
		how, dims = withColumn, []int{dims[0], dims[1] + 1}
	case len(ps) == 2:
		how, dims = withLastRow, []int{dims[0] + 1, dims[1]}
	case g.flattens(ps[0]):
		dims = []int{ps[0].Shape.Elems()}
	case convAsMatrix && len(dims) > 2:
		dims = []int{dims[0], ps[0].Shape[1:].Elems()}
	}
	var kept []int
	for _, d := range dims {
		if d != 1 {
			kept = append(kept, d)
		}
	}
	if kept == nil {
		kept = []int{1}
	}
	return how, kept
}

// gather lays two gradients out as one tensor.
func gather[T number](how join, w, b, out []T) {
	if how == withLastRow {
		copy(out[copy(out, w):], b)
		return
	}
	cols := len(w) / len(b)
	for i, x := range b {
		row := out[i*(cols+1):][:cols+1]
		copy(row, w[i*cols:][:cols])
		row[cols] = x
	}
}

// scatter is the inverse of gather.
func scatter[T number](how join, in, w, b []T) {
	if how == withLastRow {
		copy(b, in[copy(w, in):])
		return
	}
	cols := len(w) / len(b)
	for i := range b {
		row := in[i*(cols+1):][:cols+1]
		copy(w[i*cols:][:cols], row)
		b[i] = row[cols]
	}
}
