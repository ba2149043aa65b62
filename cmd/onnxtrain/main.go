// Command onnxtrain trains ONNX models: onnxtrain --model FILE --opt NAME
package main

import (
	"github.com/onnxtrain/onnxtrain/cmd/onnxtrain/app"
	_ "github.com/onnxtrain/onnxtrain/cmd/onnxtrain/standard"
)

func main() { app.Main() }
