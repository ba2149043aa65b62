// Package linalg is the dense arithmetic, in float32 and bf16, under operators and optimizers: matrix products, vector loops and
// symmetric eigenproblems, each with a kernel per instruction set and a portable twin.
//
// Every function gives the same bits for any number of threads. Shapes that do not fit together, and slices too
// short for their shape, are mistakes of the calling code and panic; they cannot come from a user's file, whose
// shapes are inferred and checked before a kernel is bound.
package linalg
