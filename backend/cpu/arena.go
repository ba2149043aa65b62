package cpu

// alignment of every value in the arena: a cache line, and the widest vector register.
const alignment = 64

func align(n int) int { return (n + alignment - 1) &^ (alignment - 1) }
