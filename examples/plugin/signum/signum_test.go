package signum

import (
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/conform"
)

// TestConform runs the checks that the built-in optimizers pass.
func TestConform(t *testing.T) {
	e, err := registry.Lookup("signum")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range conform.Checks {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Run(e); err != nil {
				t.Error(err)
			}
		})
	}
}
