package app

// What the tests' binary contains, as the standard one.
import (
	_ "github.com/onnxtrain/onnxtrain/backend/cpu"
	_ "github.com/onnxtrain/onnxtrain/graph/ops"
	_ "github.com/onnxtrain/onnxtrain/optimizers"
)
