// Command build writes the optimizers of examples/optimizers, as make.py beside them does, byte for byte:
//
//	go run ./examples/optimizers/build -out DIR
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/onnxtrain/onnxtrain/optimizers/onnxfile/builder"
)

func main() {
	out := flag.String("out", ".", "folder to write to")
	flag.Parse()
	for _, optimizer := range all {
		if err := write(*out, optimizer()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

var all = []func() builder.Optimizer{sgd, adamw, lion, rfrmsprop, muon}

func write(dir string, o builder.Optimizer) error {
	o.Producer = "onnxtrain"
	b, err := o.Marshal()
	if err != nil {
		return fmt.Errorf("%s: %w", o.Name, err)
	}
	return os.WriteFile(filepath.Join(dir, o.Name+".onnx"), b, 0o644)
}

const (
	notNegative = "[0,inf)"
	share       = "[0,1)"
)

var row = []string{"n"}
