package optimizers

import (
	"math"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/registry"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// lossScaling says to which power of k the path from the initial weights grows when the loss, and so every gradient, is
// multiplied by k, for settings without damping. Methods with a root forget the scale of the loss, those without divide
// by it.
var lossScaling = map[string]struct {
	settings string
	power    float64
	slots    map[string]float64 // what state that does not start at 0 must be multiplied with, as powers of k
}{
	"sgd":          {"momentum=0.9", 1, nil},
	"rmsprop":      {"eps=0,momentum=0.9", 0, nil},
	"adam":         {"eps=0", 0, nil},
	"adamw":        {"eps=0", 0, nil},
	"adagrad":      {"eps=0", 0, nil},
	"lion":         {"", 0, nil},
	"lars":         {"eps=0,always_adapt", 0, nil},
	"lamb":         {"eps=0,always_adapt", 0, nil},
	"adafactor":    {"eps1=0,beta1=0.5", 0, nil},
	"schedulefree": {"eps=0", 0, nil},
	"muon":         {"", 0, nil},
	"soap":         {"eps=0,interval=3", 0, nil},
	"shampoo":      {"damping=0,graft=none,interval=1,start=1,merge_dims=false", 0, nil},
	"rfrmsprop":    {"damping=0", -1, map[string]float64{"curvature": 2}},
	"rfadamw":      {"damping=0", -1, map[string]float64{"curvature": 2}},
	"ifshampoo":    {"damping=0", -1, map[string]float64{"K1": -0.5, "K2": -0.5}},
}

func TestLossScaling(t *testing.T) {
	const k = 4
	shape := tensor.Shape{3, 3}
	for _, name := range registry.Names() {
		t.Run(name, func(t *testing.T) {
			c, ok := lossScaling[name]
			if !ok {
				t.Fatal("nothing is said about its scaling with the loss")
			}
			opt := strings.TrimSuffix(name+",lr=0.01,weight_decay=0,"+c.settings, ",")
			start := normals(1, 9)
			plain, scaled := newPath(t, opt, 8, shape, start), newPath(t, opt, 8, shape, start)
			for slot, power := range c.slots {
				copy(scaled.slot(t, slot), times(math.Pow(k, power), scaled.slot(t, slot)))
			}
			for step := range uint64(10) {
				g := normals(step+2, 9)
				plain.step(t, g)
				scaled.step(t, times(k, g))
			}
			grow := math.Pow(k, c.power)
			for i, w := range plain.values() {
				moved, want := scaled.values()[i]-start[i], grow*(w-start[i])
				// Muon adds 1e-7 to the norm that it divides by.
				if math.Abs(moved-want) > 1e-6*max(math.Abs(want), 1e-3) {
					t.Errorf("element %d moves by %v, want %v", i, moved, want)
				}
			}
		})
	}
}
