package inspect

// Report is what there is to know about a model before training it. Its JSON form is for scripts; docs/inspect.md lists
// the keys.
type Report struct {
	File      string         `json:"file"`
	Producer  string         `json:"producer"`
	IRVersion int64          `json:"ir_version"`
	Opset     map[string]int `json:"opset"`
	Inputs    []Value        `json:"inputs"`
	Outputs   []Value        `json:"outputs"`
	// Operators lists every operator of the file, Step what a training step runs in their place.
	Operators  []Operator     `json:"operators"`
	Step       []StepOperator `json:"step"`
	Parameters []Param        `json:"parameters"`
	State      []Param        `json:"state"`
	Constants  []Constant     `json:"constants"`
	Elements   int            `json:"parameter_elements"`
	Notices    []string       `json:"notices"`
	Loss       string         `json:"loss"`
	Batch      int            `json:"batch"`
	PlanBytes  int64          `json:"plan_bytes"` // of a training step, without the optimizer's state
	Memory     Memory         `json:"memory"`
	FLOPs      FLOPs          `json:"flops"`
	Trainable  bool           `json:"trainable"`
	Why        string         `json:"why,omitempty"` // why it is not
}

// Value is an input or output; open dimensions have their names.
type Value struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape string `json:"shape"`
}

// Param is a parameter or state.
type Param struct {
	Name  string `json:"name"`
	Shape []int  `json:"shape"`
	Role  string `json:"role,omitempty"` // of a parameter: weight, bias, norm, embedding
}

// Constant is an initializer that stays as it is.
type Constant struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
}

// Operator is the status of all nodes of one type and version in the file.
type Operator struct {
	Type     string `json:"type"`
	Since    int    `json:"since"`
	Count    int    `json:"count"`
	Forward  string `json:"forward"`  // yes, no
	Gradient string `json:"gradient"` // yes, no, stops: the operator is not differentiable
	// Kernel names what runs the nodes that are left in a training step, "reference" for the plain implementation; or it
	// says what became of all of them, as Run does. It is empty when the step could not be built.
	Kernel string `json:"kernel"`
	// Runs counts the nodes by what became of each.
	Runs []Run `json:"runs"`
}

// Run is a kernel, or "reference", "folded" (computed before the run), "fused" (part of another node, or not needed),
// "removed" (what it passes on is read directly) or "unrolled" (its subgraph's nodes take its place), and the number of
// nodes.
type Run struct {
	Kernel string `json:"kernel"`
	Nodes  int    `json:"nodes"`
}

// StepOperator is what a training step runs with one kernel: nodes of the model and nodes of its gradient.
type StepOperator struct {
	Type     string  `json:"type"`
	Kernel   string  `json:"kernel"`
	Forward  int     `json:"forward"`  // nodes
	Backward int     `json:"backward"` // nodes
	FLOPs    float64 `json:"flops"`    // of both, as bench.FLOPs counts
}

// Memory is what a training step takes, in bytes: the sum of Weights, Activations and Scratch, and the optimizer's state.
type Memory struct {
	Weights      int64 `json:"weights"`       // parameters, state and constants
	Activations  int64 `json:"activations"`   // inputs, values and gradients, over each other where lifetimes allow
	Gradients    int64 `json:"gradients"`     // of the parameters, among the activations
	Scratch      int64 `json:"scratch"`       // of kernels
	WithoutReuse int64 `json:"without_reuse"` // what Activations would be if values did not share memory
}

// FLOPs are multiplications and additions for one batch.
type FLOPs struct {
	Forward float64 `json:"forward"`
	Step    float64 `json:"step"` // forward and backward
}
