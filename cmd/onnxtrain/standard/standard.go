// Package standard is what the onnxtrain binary contains, by importing it: a main of your own that imports this package and
// an optimizer is an onnxtrain with that optimizer.
package standard

import (
	_ "github.com/onnxtrain/onnxtrain/backend/cpu"          // kernels
	_ "github.com/onnxtrain/onnxtrain/data"                 // formats
	_ "github.com/onnxtrain/onnxtrain/graph/ops"            // operators
	_ "github.com/onnxtrain/onnxtrain/optimizers"           // sgd, ifshampoo, …
	_ "github.com/onnxtrain/onnxtrain/optimizers/onnxfile"  // --opt ./lion.onnx
	_ "github.com/onnxtrain/onnxtrain/registry/plugin/host" // --plugin FILE
)
