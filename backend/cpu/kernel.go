// Package cpu runs graphs on the CPU: kernels chosen by rank, a memory plan made at compile time, and an executor
// that does not allocate.
package cpu

import (
	"fmt"
	"sort"
	"sync"

	"github.com/onnxtrain/onnxtrain/graph"
	level "github.com/onnxtrain/onnxtrain/internal/cpu"
	"github.com/onnxtrain/onnxtrain/internal/par"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// Kernel is a fast implementation of an operator for the nodes that When accepts.
type Kernel struct {
	Name string     // unique, such as "conv/im2col"
	Op   graph.OpID // Since 0: every version
	Rank int        // the highest rank whose When holds is taken
	// Level is the least instruction set that the kernel is written for.
	Level level.Level
	// When says whether the kernel can run the node: types, layout, shapes. nil: always.
	When func(n *graph.Node) bool
	// Half says whether the kernel itself takes the bf16 values of a node that has some; nil: never. Other kernels see them
	// widened to float32, and When sees their nodes so.
	Half func(n *graph.Node) bool
	// Scratch is the number of bytes of temporary memory a run needs with so many threads; nil: none.
	Scratch func(n *graph.Node, threads int) int
	// InPlace lists inputs whose memory output 0 may take when they die at this node and are as large; Bind may then
	// see in[i] and out[0] over the same memory.
	InPlace []int
	// AlsoInPlace lists the same for other outputs, as output and input; several outputs may then lie over inputs.
	AlsoInPlace [][2]int
	// Bind resolves pointers once and returns what a run calls; that must not allocate. in and out follow the node's.
	Bind func(n *graph.Node, in, out []*tensor.Tensor, s Scratch) (func() error, error)
	// loops is the node as a function of runs, of kernels that work element by element: Fuse joins those of several nodes.
	loops func(n *graph.Node) loops
	// Tol is the distance from the reference that tests allow.
	Tol Tol
}

// Scratch is what a kernel may use during its run besides its tensors; other nodes use the same memory before and after.
type Scratch struct {
	Pool *par.Pool
	Mem  []byte // of the size asked for, aligned to 64 bytes
}

// Tol bounds |got - want| by Abs + Rel*|want|, and is taken as 1e-5 and 1e-5 when zero.
type Tol struct{ Abs, Rel float64 }

var kernels struct {
	sync.Mutex
	byType map[[2]string][]Kernel // descending rank
	names  map[string]bool
}

// Register adds a kernel from an init function; it panics when its name is taken.
func Register(k Kernel) {
	kernels.Lock()
	defer kernels.Unlock()
	if kernels.byType == nil {
		kernels.byType, kernels.names = map[[2]string][]Kernel{}, map[string]bool{}
	}
	if k.Name == "" || k.Bind == nil || kernels.names[k.Name] {
		panic(fmt.Sprintf("cpu: kernel %q is incomplete or registered twice", k.Name))
	}
	kernels.names[k.Name] = true
	key := [2]string{k.Op.Domain, k.Op.Type}
	list := append(kernels.byType[key], k)
	sort.Slice(list, func(i, j int) bool {
		if list[i].Rank != list[j].Rank {
			return list[i].Rank > list[j].Rank
		}
		return list[i].Name < list[j].Name
	})
	kernels.byType[key] = list
}

// Registered lists all kernels by name.
func Registered() []Kernel {
	kernels.Lock()
	defer kernels.Unlock()
	var all []Kernel
	for _, list := range kernels.byType {
		all = append(all, list...)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all
}

// Candidates lists the kernels that can run a node, best first.
func Candidates(n *graph.Node) []Kernel {
	kernels.Lock()
	list := kernels.byType[[2]string{n.Op.Domain, n.Op.Type}]
	kernels.Unlock()
	var fit []Kernel
	for _, k := range list {
		if k.Level <= level.Current() && (k.Op.Since == 0 || k.Op.Since == n.Op.Since) && (k.When == nil || k.When(n)) {
			fit = append(fit, k)
		}
	}
	return fit
}
