package cpu

import "github.com/onnxtrain/onnxtrain/graph"

func init() {
	for _, c := range []struct {
		equation string
		a, b     []int
	}{
		{"bthd,bshd->bhts", []int{2, 33, 3, 16}, []int{2, 40, 3, 16}},
		{"bhts,bshd->bthd", []int{2, 3, 33, 40}, []int{2, 40, 3, 16}},
		{"blq,hqk->blhk", []int{2, 33, 48}, []int{4, 48, 16}},
		{"blhk,hkq->blq", []int{2, 33, 4, 16}, []int{4, 16, 48}},
		{"ik,kj->ji", []int{65, 70}, []int{70, 33}},
		{"i,j->ij", []int{300}, []int{70}},
		{"...ij,jk->...ik", []int{3, 17, 40}, []int{40, 65}},
	} {
		more("", "Einsum", c.equation, graph.MakeAttrs("equation", c.equation), normal(1, c.a...), normal(2, c.b...))
	}
}
