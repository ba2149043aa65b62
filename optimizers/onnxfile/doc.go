// Package onnxfile makes optimizers of ONNX files: a graph that computes one parameter's update, found by path or by name
// in a plugins folder.
//
// The graph's inputs are told apart by name, in any order:
//
//	param, grad    the parameter and its gradient, float32; training in float64 computes the graph in float64
//	lr             the learning rate of this update, after schedules
//	weight_decay   likewise; without this input the optimizer takes no weight decay
//	base_lr        the learning rate that schedules start from
//	step           int64, counts the parameter's updates from 1
//	loss_terms     int64, the number of terms that the loss averages over
//	rank, shape    int64 and int64[rank] of the parameter, constants
//	role           int64, a constant: 0 weight, 1 bias, 2 scale or shift of a normalisation, 3 embedding
//	X with X_out   a state slot, if there is an output X_out
//	others         hyper-parameters, scalars: float or double a number, int64 an integer or a choice, bool a switch
//
// Of these only param, grad and lr must be there. Scalars have no axes, or one of size 1, and may be double where the
// update needs it, such as for 1-beta2^step. The outputs are param_out and, for each slot X, X_out, typed like what they
// replace. Switches, integers and choices are constants, so that they may steer If and Loop at no cost.
//
// The dimensions of param say how it is seen: [n] is all elements in one row, [rows,cols] the first axis times the rest,
// any other names (d0, d1, …) the axes as they are, for parameters of that rank only. Slots have dimensions of the same
// names, numbers, or none. Slots that a parameter's graph leaves as they are take no memory. A graph whose operators all work
// element by element, but for scalars, is one loop over blocks that stay in the cache; see cpu.Fuse.
//
// The file's metadata_props describe it:
//
//	optimizer.name, optimizer.doc, optimizer.paper, optimizer.formula, optimizer.version
//	hyper.NAME.default                            needed, but for weight_decay; "true", "0.9", or one of the choices
//	hyper.NAME.doc, .range, .symbol, .unit, .search, .alias, .official    as the tags of registry.Register
//	hyper.NAME.choices                            "a|b|c": an int64 input holds the index
//	slot.NAME.init                                a number or "identity"; 0 if not given
package onnxfile
