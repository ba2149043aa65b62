// Package mutate damages ONNX files the way a hostile writer would: field by field, so that most of a file still decodes
// and what is wrong with it reaches the passes and kernels. It is for tests.
package mutate

// kind says what a field holds. Messages are indexes into schema.
type kind uint8

const (
	number   kind = iota // varint or fixed width; also what the schema does not list
	name                 // of a value, operator, attribute, domain
	content              // bytes of a string attribute
	elements             // raw_data
	varints              // packed varints
	fixed32s             // packed float32
	fixed64s             // packed float64
	model
	opset
	function
	graphs
	node
	attribute
	tensors
	sparse
	valueInfo
	types
	sequence
	tensorType
	shape
	dimension
	entry
)

// schema is the part of onnx.proto that is walked: the kinds of the fields of messages.
var schema = map[kind]map[uint64]kind{
	model:      {7: graphs, 8: opset, 25: function},
	opset:      {1: name},
	function:   {1: name, 4: name, 5: name, 6: name, 7: node, 9: opset, 10: name, 11: attribute},
	graphs:     {1: node, 2: name, 5: tensors, 11: valueInfo, 12: valueInfo, 13: valueInfo, 15: sparse},
	node:       {1: name, 2: name, 3: name, 4: name, 5: attribute, 7: name},
	attribute:  {1: name, 4: content, 5: tensors, 6: graphs, 7: fixed32s, 8: varints, 9: content, 10: tensors, 11: graphs, 21: name, 22: sparse},
	tensors:    {1: varints, 4: fixed32s, 5: varints, 7: varints, 8: name, 9: elements, 10: fixed64s, 11: varints, 13: entry},
	sparse:     {1: tensors, 2: tensors, 3: varints},
	valueInfo:  {1: name, 2: types},
	types:      {1: tensorType, 4: sequence, 9: sequence},
	sequence:   {1: types},
	tensorType: {2: shape},
	shape:      {1: dimension},
	dimension:  {2: name},
	entry:      {1: name, 2: name},
}
