package onnxload

import (
	"slices"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
)

// former puts BatchNormalization and Dropout into inference form. Outputs that only training gives are dropped where
// nothing reads them; a BatchNormalization of which something does is left as its author wrote it.
type former struct {
	opset  int             // of ai.onnx
	reads  map[string]int  // how often a name is read, by nodes or as an output
	fixed  map[string]bool // initializers and Constant nodes
	unread map[string]bool // names that are not there or not read any more
}

// inference changes the whole model: subgraphs and functions too.
func (d *draft) inference() error {
	f := former{d.Opset[""], map[string]int{}, map[string]bool{}, map[string]bool{}}
	f.readGraph(d.proto.Graph)
	f.graph(d.proto.Graph)
	for _, fn := range d.proto.Functions {
		opset, err := importedOpsets(fn.OpsetImport)
		if err != nil {
			return err
		}
		f := former{opset[""], map[string]int{}, map[string]bool{}, map[string]bool{}}
		f.readNodes(fn.Node)
		for _, name := range fn.Output {
			f.reads[name]++
		}
		fn.Node = f.nodes(fn.Node)
	}
	return nil
}

func (f *former) readGraph(g *onnxpb.GraphProto) {
	for _, t := range g.Initializer {
		f.fixed[t.GetName()] = true
	}
	for _, o := range g.Output {
		f.reads[o.GetName()]++
	}
	f.readNodes(g.Node)
}

func (f *former) readNodes(nodes []*onnxpb.NodeProto) {
	for _, n := range nodes {
		for _, name := range n.Input {
			f.reads[name]++
		}
		if n.GetOpType() == "Constant" {
			for _, name := range n.Output {
				f.fixed[name] = true
			}
		}
		for _, a := range n.Attribute {
			for _, g := range attributeGraphs(a) {
				f.readGraph(g)
			}
		}
	}
}

func (f *former) graph(g *onnxpb.GraphProto) {
	g.Node = f.nodes(g.Node)
	g.ValueInfo = slices.DeleteFunc(g.ValueInfo, func(v *onnxpb.ValueInfoProto) bool { return f.unread[v.GetName()] })
}

func (f *former) nodes(nodes []*onnxpb.NodeProto) []*onnxpb.NodeProto {
	for _, n := range nodes {
		for _, a := range n.Attribute {
			for _, g := range attributeGraphs(a) {
				f.graph(g)
			}
		}
		switch {
		case domainOf(n.GetDomain()) != "":
		case n.GetOpType() == "BatchNormalization":
			f.batchNorm(n)
		case n.GetOpType() == "Dropout":
			f.dropout(n)
		}
	}
	// A Constant that only said "training" has no reader left.
	return slices.DeleteFunc(nodes, func(n *onnxpb.NodeProto) bool {
		return n.GetOpType() == "Constant" && len(n.Output) == 1 && f.unread[n.Output[0]]
	})
}

// batchNorm: training is said by is_test=0 up to opset 6, by more than one output up to 13, by training_mode=1 from 14.
func (f *former) batchNorm(n *onnxpb.NodeProto) {
	if !f.keepFirst(n) {
		return
	}
	switch {
	case f.opset >= 14:
		for _, a := range n.Attribute {
			if a.GetName() == "training_mode" {
				setInt(a, 0)
			}
		}
	case f.opset < 7:
		setTest(n)
	}
}

// dropout: training is said by is_test=0 up to opset 6, not at all up to 11, by the third input from 12.
func (f *former) dropout(n *onnxpb.NodeProto) {
	f.keepFirst(n) // a mask that somebody reads is all true in inference
	switch {
	case f.opset >= 12 && len(n.Input) > 2 && f.fixed[n.Input[2]]:
		name := n.Input[2]
		if f.reads[name]--; f.reads[name] == 0 {
			f.unread[name] = true
		}
		n.Input = n.Input[:2]
		if n.Input[1] == "" {
			n.Input = n.Input[:1]
		}
	case f.opset < 7:
		setTest(n)
	}
}

// keepFirst drops all outputs but the first and says whether it could.
func (f *former) keepFirst(n *onnxpb.NodeProto) bool {
	if len(n.Output) == 0 {
		return true
	}
	rest := n.Output[1:]
	if slices.ContainsFunc(rest, func(name string) bool { return name != "" && f.reads[name] > 0 }) {
		return false
	}
	for _, name := range rest {
		f.unread[name] = true
	}
	n.Output = n.Output[:1]
	return true
}

func setTest(n *onnxpb.NodeProto) {
	for _, a := range n.Attribute {
		if a.GetName() == "is_test" {
			setInt(a, 1)
			return
		}
	}
	name := "is_test"
	a := &onnxpb.AttributeProto{Name: &name}
	setInt(a, 1)
	n.Attribute = append(n.Attribute, a)
}

func setInt(a *onnxpb.AttributeProto, v int64) {
	kind := onnxpb.AttributeProto_INT
	a.Type, a.I, a.RefAttrName = &kind, &v, nil
}
