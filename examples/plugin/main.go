// Command plugin is an onnxtrain with one more optimizer, signum.
package main

import (
	_ "example.com/plugin/signum"

	"github.com/onnxtrain/onnxtrain/cmd/onnxtrain/app"
	_ "github.com/onnxtrain/onnxtrain/cmd/onnxtrain/standard"
)

func main() { app.Main() }
