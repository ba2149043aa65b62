package optimizers

import (
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/registry/conform"
)

func TestConform(t *testing.T) {
	for _, name := range registry.Names() {
		e, err := registry.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range conform.Checks {
			t.Run(name+"/"+c.Name, func(t *testing.T) {
				if err := c.Run(e); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestEveryBuiltInKnowsItsCost(t *testing.T) {
	for _, name := range registry.Names() {
		e, err := registry.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		opt, _, err := e.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := opt.(registry.Coster); !ok {
			t.Errorf("%s does not say what its updates cost", name)
		}
	}
}
