package main

import "fmt"

// isa is what differs between the instruction sets in a micro-kernel, which computes some rows of one panel over all blocks.
// Accumulators are registers 0 up, row by row; after them come the vectors of B, elements of A and constants.
type isa struct {
	name    string
	reg     string // register name prefix
	size    int    // bytes of a vector
	mr      int    // rows at most
	element int    // bytes of a pair of A
	body    func(s *isa, t *text, rows int, kind kind)
}

// kind is a body for some number of columns.
type kind struct {
	name    string
	vectors int
	mask    bool // columns are cut by K1, K2 or, with AVX2, by the vector in Y15
}

var sets = []*isa{
	{name: "AVX512BF16", reg: "Z", size: 64, mr: 11, element: 4, body: (*isa).dotBody},
	{name: "AVX512", reg: "Z", size: 64, mr: 11, element: 8, body: (*isa).wideBody},
	{name: "AVX2", reg: "Y", size: 32, mr: 6, element: 8, body: (*isa).narrowBody},
}

func (s *isa) vec(i int) string { return fmt.Sprintf("%s%d", s.reg, i) }

// rowBases are the registers that point at rows 0, 4, 8 of A.
var rowBases = []string{"SI", "R12", "R13"}

// row addresses row r of A at the current pair.
func row(r, offset int) string {
	return fmt.Sprintf("%d(%s)", offset, rowBases[r/4]) + []string{"", "(R8*1)", "(R8*2)", "(R11*1)"}[r%4]
}

// kernel has in R8 the distance of rows of A, in R11 three times that, in R9 that of pairs of B; in BX the offsets of blocks
// of B, in R10 of A, in R14 the blocks left. All is in bytes.
func (s *isa) kernel(t *text) {
	t.function("half"+s.name, 8, "(t *halfMicro)")
	t.op("MOVQ t+0(FP), DI")
	t.op("MOVQ halfMicro_aRow(DI), R8")
	t.op("SHLQ $%d, R8", s.element/4)
	t.op("LEAQ (R8)(R8*2), R11")
	t.op("MOVQ halfMicro_bRow(DI), R9")
	t.op("ADDQ R9, R9")
	t.op("MOVQ halfMicro_bAt(DI), BX")
	t.op("MOVQ halfMicro_aAt(DI), R10")
	t.op("MOVQ halfMicro_bAt+8(DI), R14")
	if s.element == 8 {
		t.op("MOVQ halfMicro_wide(DI), SI")
		s.bases(t)
	}
	for _, k := range s.prepare(t) {
		t.label(k.name)
		t.op("MOVQ halfMicro_rows(DI), AX")
		for r := s.mr; r > 1; r-- {
			t.op("CMPQ AX, $%d", r)
			t.op("JEQ %s%d", k.name, r)
		}
		for r := 1; r <= s.mr; r++ {
			s.rows(t, r, k)
		}
	}
}

// prepare sets masks and jumps to one of the kinds that it gives.
func (s *isa) prepare(t *text) []kind {
	if s.size == 32 {
		t.constant(0xffff0000, "AVX2", 14)
		t.op("CMPQ halfMicro_cols(DI), $16")
		t.op("JEQ two")
		t.op("LEAQ halfMasks<>+32(SB), AX")
		t.op("MOVQ halfMicro_cols(DI), CX")
		t.op("SHLQ $2, CX")
		t.op("SUBQ CX, AX")
		t.op("VMOVDQU (AX), Y15")
		return []kind{{"one", 1, true}, {"two", 2, false}}
	}
	t.op("MOVQ halfMicro_cols(DI), CX")
	t.firstBits("CX", "K1", "K2")
	t.op("MOVL $0xaaaaaaaa, AX")
	t.op("KMOVD AX, K5") // the upper halves of lanes
	t.op("CMPQ CX, $16")
	t.op("JLE one")
	t.op("CMPQ CX, $32")
	t.op("JEQ whole")
	return []kind{{"two", 2, true}, {"one", 1, true}, {"whole", 2, false}}
}

func (s *isa) bases(t *text) {
	for i := 1; i*4 < s.mr; i++ {
		t.op("LEAQ (%s)(R8*4), %s", rowBases[i-1], rowBases[i])
	}
}

// rows is the kernel for one number of rows.
func (s *isa) rows(t *text, rows int, k kind) {
	tag := fmt.Sprintf("%s%d", k.name, rows)
	t.label("%s", tag)
	for i := range rows * k.vectors {
		t.op("VXORPS %[1]s, %[1]s, %[1]s", s.vec(i))
	}
	t.op("TESTQ R14, R14")
	t.op("JEQ add%s", tag)
	t.label("block%s", tag)
	t.op("MOVQ halfMicro_b(DI), DX")
	t.op("MOVQ (BX), AX")
	t.op("LEAQ (DX)(AX*2), DX")
	t.op("ADDQ $8, BX")
	if s.element == 4 {
		t.op("MOVQ halfMicro_a(DI), SI")
		t.op("MOVQ (R10), AX")
		t.op("LEAQ (SI)(AX*2), SI")
		t.op("ADDQ $8, R10")
		s.bases(t)
	}
	t.op("MOVQ halfMicro_pairs(DI), CX")
	t.op("PCALIGN $32")
	t.label("loop%s", tag)
	s.body(s, t, rows, k)
	t.op("ADDQ R9, DX")
	for i := 0; i*4 < rows; i++ {
		t.op("ADDQ $%d, %s", s.element, rowBases[i])
	}
	t.op("DECQ CX")
	t.op("JNE loop%s", tag)
	t.op("DECQ R14")
	t.op("JNE block%s", tag)
	s.finish(t, rows, k, tag)
}

// dotBody takes a pair of steps as it is.
func (s *isa) dotBody(t *text, rows int, k kind) {
	b := 2 * s.mr
	for v := range k.vectors {
		mask, z := s.mask(k, v)
		t.op("VMOVDQU32%s %d(DX)%s, %s", z, v*s.size, mask, s.vec(b+v))
	}
	for r := range rows {
		a := b + 2 + r%4
		t.op("VPBROADCASTD %s, %s", row(r, 0), s.vec(a))
		for v := range k.vectors {
			t.dotProduct(r*k.vectors+v, a, b+v)
		}
	}
}

// wideBody takes the two steps of a pair apart: a bf16 is the upper half of its float32.
func (s *isa) wideBody(t *text, rows int, k kind) {
	b := 2 * s.mr
	for v := range k.vectors {
		mask, z := s.mask(k, v)
		t.op("VPSLLD%s $16, %d(DX)%s, %s", z, v*s.size, mask, s.vec(b+v))
		if k.mask {
			t.op("VMOVDQU32%s %d(DX)%s, %s", z, v*s.size, mask, s.vec(b+2+v))
			t.op("VMOVDQU16.Z %s, K5, %[1]s", s.vec(b+2+v))
		} else {
			t.op("VMOVDQU16.Z %d(DX), K5, %s", v*s.size, s.vec(b+2+v))
		}
	}
	for r := range rows {
		for h := range 2 {
			a := s.vec(b + 4 + (2*r+h)%4)
			t.op("VBROADCASTSS %s, %s", row(r, 4*h), a)
			for v := range k.vectors {
				t.op("VFMADD231PS %s, %s, %s", s.vec(b+2*h+v), a, s.vec(r*k.vectors+v))
			}
		}
	}
}

// narrowBody is wideBody with half as many registers.
func (s *isa) narrowBody(t *text, rows int, k kind) {
	b := 2 * s.mr
	for h := range 2 {
		for v := range k.vectors {
			reg := s.vec(b + v)
			switch {
			case k.mask:
				t.op("VPMASKMOVD %d(DX), Y15, %s", v*s.size, reg)
			case h == 0:
				t.op("VMOVDQU %d(DX), %s", v*s.size, reg)
			}
			switch {
			case h == 0:
				t.op("VPSLLD $16, %s, %[1]s", reg)
			case k.mask:
				t.op("VPAND Y14, %s, %[1]s", reg)
			default:
				t.op("VPAND %d(DX), Y14, %s", v*s.size, reg)
			}
		}
		for r := range rows {
			a := s.vec(13)
			if k.vectors == 2 {
				a = s.vec(15)
			}
			t.op("VBROADCASTSS %s, %s", row(r, 4*h), a)
			for v := range k.vectors {
				t.op("VFMADD231PS %s, %s, %s", s.vec(b+v), a, s.vec(r*k.vectors+v))
			}
		}
	}
}

// mask is the operand that cuts vector v and the suffix that goes with it when loading.
func (s *isa) mask(k kind, v int) (mask, z string) {
	if !k.mask {
		return "", ""
	}
	return fmt.Sprintf(", K%d", v+1), ".Z"
}

// finish adds C, unless it is to be overwritten, and stores.
func (s *isa) finish(t *text, rows int, k kind, tag string) {
	t.label("add%s", tag)
	t.op("MOVQ halfMicro_c(DI), AX")
	t.op("MOVQ halfMicro_cRow(DI), R8")
	t.op("SHLQ $2, R8")
	t.op("CMPB halfMicro_clear(DI), $0")
	t.op("JNE store%s", tag)
	t.op("MOVQ AX, DX")
	s.each(t, rows, k, "DX", func(at, mask, acc string) {
		if s.size == 32 && k.mask {
			t.op("VMASKMOVPS %s%s, %s", at, mask, s.vec(13))
			t.op("VADDPS %s, %s, %[2]s", s.vec(13), acc)
			return
		}
		t.op("VADDPS %s, %s%s, %[2]s", at, acc, mask)
	})
	t.label("store%s", tag)
	s.each(t, rows, k, "AX", func(at, mask, acc string) {
		if s.size == 32 && k.mask {
			t.op("VMASKMOVPS %s%s, %s", acc, mask, at)
			return
		}
		t.op("VMOVUPS %s%s, %s", acc, mask, at)
	})
	t.end()
}

// each goes over the vectors of C.
func (s *isa) each(t *text, rows int, k kind, base string, do func(at, mask, acc string)) {
	for r := range rows {
		for v := range k.vectors {
			mask, _ := s.mask(k, v)
			if mask != "" && s.size == 32 {
				mask = ", Y15"
			}
			do(fmt.Sprintf("%d(%s)", v*s.size, base), mask, s.vec(r*k.vectors+v))
		}
		if r < rows-1 {
			t.op("ADDQ R8, %s", base)
		}
	}
}
