package onnxload

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"

	"github.com/onnxtrain/onnxtrain/onnxload/internal/onnxpb"
)

// The generated decoder has no limit on nesting, and an empty message takes two bytes in a file and hundreds in memory.
// So the wire bytes are walked first, without allocating, and what would take too much is refused.

const (
	maxDepth = 100 // messages in messages; a subgraph is three levels
	// Memory for structure, everything but raw data: the decoder may take baseCost + costFactor bytes per byte of file
	// (models full of small nodes need 10 to 30), or above 2 GiB, which no model comes near, twice the file.
	baseCost   = 64 << 20
	costFactor = 32
	maxCost    = 2 << 30
)

// field says what a field's bytes become in memory. A message's index into messages is above the leaves.
type field uint8

const (
	scalar   field = iota // also what the messages do not list
	text                  // a string or bytes
	value                 // a name of a node's output, which becomes a value of the graph
	floats                // packed fixed-width numbers: as many bytes in memory
	varints4              // packed varints of at least one byte, four bytes each in memory
	varints8

	modelMessage
	opsetMessage
	entryMessage
	trainingMessage
	functionMessage
	graphMessage
	annotationMessage
	nodeMessage
	attributeMessage
	valueInfoMessage
	typeMessage
	elementMessage // TypeProto.Sequence, Optional
	mapMessage
	tensorTypeMessage
	shapeMessage
	dimensionMessage
	tensorMessage
	sparseMessage
	lastMessage
)

type message struct {
	size   int // in memory
	fields map[uint64]field
}

// messages describes the fields of onnx.proto that matter to the walk.
var messages = [lastMessage]message{
	modelMessage: {sizeOf(onnxpb.ModelProto{}), map[uint64]field{2: text, 3: text, 4: text, 6: text, 7: graphMessage,
		8:  opsetMessage,
		14: entryMessage, 20: trainingMessage, 25: functionMessage}},
	opsetMessage: {sizeOf(onnxpb.OperatorSetIdProto{}), map[uint64]field{1: text}},
	entryMessage: {sizeOf(onnxpb.StringStringEntryProto{}), map[uint64]field{1: text, 2: text}},
	trainingMessage: {sizeOf(onnxpb.TrainingInfoProto{}), map[uint64]field{1: graphMessage, 2: graphMessage, 3: entryMessage,
		4: entryMessage}},
	functionMessage: {sizeOf(onnxpb.FunctionProto{}), map[uint64]field{1: text, 4: text, 5: text, 6: text, 7: nodeMessage, 8: text,
		9: opsetMessage, 10: text, 11: attributeMessage, 12: valueInfoMessage, 13: text, 14: entryMessage}},
	graphMessage: {sizeOf(onnxpb.GraphProto{}), map[uint64]field{1: nodeMessage, 2: text, 5: tensorMessage, 10: text,
		11: valueInfoMessage, 12: valueInfoMessage, 13: valueInfoMessage, 14: annotationMessage, 15: sparseMessage,
		16: entryMessage}},
	annotationMessage: {sizeOf(onnxpb.TensorAnnotation{}), map[uint64]field{1: text, 2: entryMessage}},
	nodeMessage: {sizeOf(onnxpb.NodeProto{}), map[uint64]field{1: text, 2: value, 3: text, 4: text, 5: attributeMessage, 6: text,
		7: text, 8: text, 9: entryMessage}},
	attributeMessage: {sizeOf(onnxpb.AttributeProto{}), map[uint64]field{1: text, 4: text, 5: tensorMessage,
		6: graphMessage, 7: floats,
		8: varints8, 9: text, 10: tensorMessage, 11: graphMessage, 13: text, 14: typeMessage, 15: typeMessage, 21: text,
		22: sparseMessage, 23: sparseMessage}},
	valueInfoMessage: {sizeOf(onnxpb.ValueInfoProto{}), map[uint64]field{1: text, 2: typeMessage, 3: text, 4: entryMessage}},
	typeMessage: {sizeOf(onnxpb.TypeProto{}), map[uint64]field{1: tensorTypeMessage, 4: elementMessage, 5: mapMessage, 6: text,
		7: entryMessage, 8: tensorTypeMessage, 9: elementMessage}},
	elementMessage:    {sizeOf(onnxpb.TypeProto_Sequence{}), map[uint64]field{1: typeMessage}},
	mapMessage:        {sizeOf(onnxpb.TypeProto_Map{}), map[uint64]field{2: typeMessage}},
	tensorTypeMessage: {sizeOf(onnxpb.TypeProto_Tensor{}), map[uint64]field{2: shapeMessage}},
	shapeMessage:      {sizeOf(onnxpb.TensorShapeProto{}), map[uint64]field{1: dimensionMessage}},
	dimensionMessage:  {sizeOf(onnxpb.TensorShapeProto_Dimension{}), map[uint64]field{2: text, 3: text}},
	tensorMessage: {sizeOf(onnxpb.TensorProto{}), map[uint64]field{1: varints8, 3: opsetMessage, 4: floats, 5: varints4, 6: text,
		7: varints8, 8: text, 10: floats, 11: varints8, 12: text, 13: entryMessage, 16: entryMessage}},
	sparseMessage: {sizeOf(onnxpb.SparseTensorProto{}), map[uint64]field{1: tensorMessage, 2: tensorMessage, 3: varints8}},
}

func sizeOf(v any) int { return int(reflect.TypeOf(v).Size()) }

// Rough sizes of what decoding and building add to a message, value or field.
const (
	perMessage = 48  // its pointer in a growing slice, the heap's rounding
	perNode    = 256 // graph.Node and its slices
	perValue   = 320 // graph.Value and its entries in maps
	perField   = 48  // a pointer to a scalar or a string header, in a growing slice
)

type scanner struct {
	whole  []byte
	budget int64
}

// scan checks that b is a well-formed message of a bounded size in memory. Errors give the offset in bytes.
func scan(b []byte, kind field) error {
	n := int64(len(b))
	s := scanner{b, min(baseCost+costFactor*n, max(maxCost, 2*n))}
	return s.message(0, len(b), kind, 0)
}

func (s *scanner) message(at, end int, kind field, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("byte %d: messages are nested more than %d deep", at, maxDepth)
	}
	cost := messages[kind].size + perMessage
	if kind == nodeMessage {
		cost += perNode
	}
	if err := s.spend(at, cost); err != nil {
		return err
	}
	for at < end {
		tag, n := binary.Uvarint(s.whole[at:end])
		number := tag >> 3
		if n <= 0 || number == 0 || number > 1<<29-1 {
			return fmt.Errorf("byte %d: no field tag", at)
		}
		body, next, err := s.field(at, at+n, end, tag&7)
		if err != nil {
			return err
		}
		if err := s.weigh(at, body, next, messages[kind].fields[number], tag&7 == 2, depth); err != nil {
			return err
		}
		at = next
	}
	return nil
}

// field finds the bytes [body,next) of the field whose tag starts at tag and whose value starts at at.
func (s *scanner) field(tag, at, end int, wire uint64) (body, next int, err error) {
	length := uint64(0)
	switch wire {
	case 0:
		_, n := binary.Uvarint(s.whole[at:end])
		if n <= 0 {
			return 0, 0, fmt.Errorf("byte %d: a number is cut off or too long", at)
		}
		length = uint64(n)
	case 1:
		length = 8
	case 2:
		l, n := binary.Uvarint(s.whole[at:end])
		if n <= 0 {
			return 0, 0, fmt.Errorf("byte %d: a length is cut off or too long", at)
		}
		at, length = at+n, l
	case 5:
		length = 4
	default:
		return 0, 0, fmt.Errorf("byte %d: wire type %d is not used by ONNX", tag, wire)
	}
	if length > uint64(end-at) {
		return 0, 0, fmt.Errorf("byte %d: a field of %d bytes where %d are left", tag, length, end-at)
	}
	return at, at + int(length), nil
}

// weigh spends what a field will take in memory and walks into messages.
func (s *scanner) weigh(tag, body, next int, kind field, delimited bool, depth int) error {
	size := next - body
	switch {
	case kind >= modelMessage && delimited:
		return s.message(body, next, kind, depth+1)
	case kind == value:
		return s.spend(tag, perField+perValue+size)
	case kind == text:
		return s.spend(tag, perField+size)
	case kind == varints4 && delimited:
		return s.spend(tag, 4*size)
	case kind == varints8 && delimited:
		return s.spend(tag, 8*size)
	case kind == floats && delimited:
		return s.spend(tag, size)
	default: // raw data stays where it is; unknown fields are few bytes more than the file's
		return s.spend(tag, perField)
	}
}

var errTooDense = errors.New("the file would take far more memory than its size; it is not a real model")

func (s *scanner) spend(at, cost int) error {
	if s.budget -= int64(cost); s.budget < 0 {
		return fmt.Errorf("byte %d: %w", at, errTooDense)
	}
	return nil
}
