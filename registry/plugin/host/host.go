// Package host runs optimizers that are programs: it starts them, hands them parameters, gradients and state in shared memory,
// and holds them to their limits. hashicorp/go-plugin starts a program, shakes hands and carries its log; calls go over pipes in
// the protocol that docs/plugins.md describes, which costs a step microseconds and needs no library in other languages.
//
// A program that fails, hangs, takes too much memory or answers nonsense is ended with its process group. The host owns all
// state, and the registry.Stepper puts values and slots back, so that no step is half made.
package host
