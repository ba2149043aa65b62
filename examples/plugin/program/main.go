// Command program is signum as a program of its own, which any onnxtrain runs.
package main

import (
	_ "example.com/plugin/signum"

	"github.com/onnxtrain/onnxtrain/registry/plugin"
)

func main() { plugin.Serve("signum", "1.0") }
