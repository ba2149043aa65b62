package main

import "fmt"

// pairs are the loops of 2 x 2 pooling over two rows, whose neighbours in a pair of lanes are a window with those of the other
// row.
func pairs() []function {
	maxPairs := function{name: "maxPairs", slices: []string{"top", "bottom", "dst"}, body: func(b *builder) {
		_, _, m := windows(b)
		b.storeHalf("dst", m)
	}}
	maxPairsGrad := function{name: "maxPairsGrad", slices: []string{"dtop", "dbottom", "top", "bottom", "dy"}, body: func(b *builder) {
		top, bottom, m := windows(b)
		dy := b.loadTwice("dy")
		// One element of a window has the gradient: the first one that is the maximum, in the order of memory.
		isTop, isBottom := isMax(b, top, m), isMax(b, bottom, m)
		inTop := b.or(isTop, swapped(b, isTop))
		b.store("dtop", b.and(first(b, isTop), dy))
		b.store("dbottom", b.and(b.andNot(inTop, first(b, isBottom)), dy))
	}}
	sumPairs := function{name: "sumPairs", slices: []string{"top", "bottom", "dst"}, scalars: []string{"a"}, body: func(b *builder) {
		top, bottom := b.load("top"), b.load("bottom")
		sum := b.add(b.add(b.add(top, swapped(b, top)), bottom), swapped(b, bottom))
		b.storeHalf("dst", b.mul(sum, b.arg("a")))
	}}
	scaleTwice := function{name: "scaleTwice", slices: []string{"dst", "x"}, scalars: []string{"a"}, body: func(b *builder) {
		b.store("dst", b.mul(b.loadTwice("x"), b.arg("a")))
	}}
	all := unrolled(1, maxPairs, maxPairsGrad, sumPairs, scaleTwice)
	for i := range all {
		all[i].half = true
	}
	return all
}

// windows loads two rows and has the maximum of each window in both of its lanes.
func windows(b *builder) (top, bottom, m val) {
	top, bottom = b.load("top"), b.load("bottom")
	columns := maximum(b, top, bottom)
	return top, bottom, maximum(b, columns, swapped(b, columns))
}

// swapped has the lanes of each pair exchanged.
func swapped(b *builder, x val) val { return b.imm("VPERMILPS", 0xb1, x) }

// isMax has all bits where x is the maximum m of its window, or one of its NaNs.
func isMax(b *builder, x, m val) val {
	ones := b.bits(0xffffffff)
	return b.or(b.keep(b.cmp(equal, x, m), b.inReg(ones)), b.keep(b.cmp(unordered, x, x), b.inReg(ones)))
}

// first leaves out odd lanes whose neighbour is set too.
func first(b *builder, x val) val { return b.andNot(b.and(swapped(b, x), b.oddLanes()), x) }

// andNot is y where x is not set.
func (b *builder) andNot(x, y val) val { return b.step(step{op: "VANDNPS", src: []val{y, x}}, false) }

// oddLanes has all bits in odd lanes.
func (b *builder) oddLanes() val {
	ones := b.inReg(b.bits(0xffffffff))
	return b.imm("VPSLLQ", 32, ones)
}

// A slice of half the length has an element for each pair of lanes.

func (b *builder) halfAddress(slice string) string {
	p, ok := b.ptrs[slice]
	if !ok {
		panic("no slice " + slice)
	}
	return fmt.Sprintf("%d(%s)(AX*2)", b.offset/2, p)
}

// loadTwice loads elements into both lanes of their pairs.
func (b *builder) loadTwice(slice string) val {
	s := step{op: "VMOVUPS " + b.halfAddress(slice), narrow: [2]bool{true, true}}
	switch {
	case b.tail && b.wide():
		s.op, s.tail = "VMOVUPS.Z "+b.halfAddress(slice), "K7"
	case b.tail:
		s.op, s.src = "VMASKMOVPS "+b.halfAddress(slice), []val{b.halfCut}
	}
	half := b.step(s, false)
	apart := b.step(step{op: "VPMOVZXDQ", src: []val{half}, narrow: [2]bool{true, false}}, false)
	return b.step(step{op: "VMOVSLDUP", src: []val{apart}}, false)
}

// storeHalf stores the even lanes.
func (b *builder) storeHalf(slice string, v val) {
	var half val
	if b.wide() {
		half = b.step(step{op: "VPMOVQD", src: []val{v}, narrow: [2]bool{false, true}}, false)
	} else {
		half = b.imm("VPERMQ", 0x88, b.imm("VPERMILPS", 0x88, v))
	}
	s := step{op: "VMOVUPS", src: []val{half}, tail: b.halfAddress(slice), dst: -1, narrow: [2]bool{true, false}}
	switch {
	case b.tail && b.wide():
		s.tail = "K7, " + s.tail
	case b.tail:
		s.op, s.src = "VMASKMOVPS", append(s.src, b.halfCut)
	}
	b.steps = append(b.steps, s)
}
