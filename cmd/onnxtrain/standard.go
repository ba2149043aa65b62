package main

// What this build contains.
import (
	_ "github.com/onnxtrain/onnxtrain/backend/cpu"         // kernels
	_ "github.com/onnxtrain/onnxtrain/data"                // formats
	_ "github.com/onnxtrain/onnxtrain/graph/ops"           // operators
	_ "github.com/onnxtrain/onnxtrain/optimizers"          // sgd, ifshampoo, …
	_ "github.com/onnxtrain/onnxtrain/optimizers/onnxfile" // optimizers that are ONNX files
)
