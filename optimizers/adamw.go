package optimizers

import "github.com/onnxtrain/onnxtrain/registry"

func init() {
	registry.Register(registry.Info{
		Name:  "adamw",
		Doc:   "Adam with decoupled weight decay",
		Paper: "https://arxiv.org/abs/1711.05101; torch.optim.AdamW",
		Formula: `
w ← (1 - lr·weight_decay)·w
m ← beta1·m + (1-beta1)·g
v ← beta2·v + (1-beta2)·g²                   amsgrad: the largest v so far divides
w ← w - lr/(1-beta1ᵗ) · m / (√v/√(1-beta2ᵗ) + eps)`,
	}, adamConfig{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 1e-2},
		func(c adamConfig) registry.Optimizer { return &adam{adamConfig: c, decoupled: true} })
}
