package tensor

import (
	"math"
	"testing"
)

func TestBFloat16RoundsToNearestEven(t *testing.T) {
	for _, c := range []struct {
		in   float32
		want uint16
	}{
		{1, 0x3f80}, {-2, 0xc000}, {math.MaxFloat32, 0x7f80},
		{math.Float32frombits(0x3f808000), 0x3f80}, // tie to even, down
		{math.Float32frombits(0x3f818000), 0x3f82}, // tie to even, up
		{math.Float32frombits(0x7f800001), 0x7fc0}, // a signalling NaN must not become infinity
	} {
		if got := ToBFloat16(c.in).bits; got != c.want {
			t.Errorf("ToBFloat16(%g) = %#x, want %#x", c.in, got, c.want)
		}
	}
}

func TestHalfRoundTripsEveryBitPattern(t *testing.T) {
	for b := range 1 << 16 {
		h := Half{uint16(b)}
		f := h.Float32()
		if f != f {
			continue
		}
		if got := ToHalf(f); got != h {
			t.Fatalf("%#04x widens to %g, which rounds to %#04x", b, f, got.bits)
		}
	}
	for _, c := range []struct {
		in   float32
		want uint16
	}{{65519, 0x7bff}, {65520, 0x7c00}, {1e9, 0x7c00}, {1e-9, 0}, {5.97e-8, 1}, {-1e-8, 0x8000}} {
		if got := ToHalf(c.in).bits; got != c.want {
			t.Errorf("ToHalf(%g) = %#x, want %#x", c.in, got, c.want)
		}
	}
}

func TestSetFloat64sRoundsOnce(t *testing.T) {
	// Just above a tie: rounding through float32 first would land on the tie and go down to even.
	v := 1 + 1.0/256 + 1.0/(1<<40)
	b := New(BFloat16Type, 1)
	b.SetFloat64s([]float64{v})
	if got := Slice[BFloat16](b)[0].bits; got != 0x3f81 {
		t.Errorf("bfloat16(%v) = %#x, want 0x3f81", v, got)
	}
}

func TestShapeCheck(t *testing.T) {
	for _, s := range []Shape{{-1}, {1 << 40, 1 << 40}, {1 << 62, 4}, {0, 1 << 62, 1 << 62}} {
		if s.Check(Float32) == nil {
			t.Errorf("shape %v passed", s)
		}
	}
	for _, s := range []Shape{{}, {0, 1 << 32}, {3, 4}} {
		if err := s.Check(Float32); err != nil {
			t.Errorf("shape %v: %v", s, err)
		}
	}
}

func TestBroadcast(t *testing.T) {
	got, err := Broadcast(Shape{3, 1, 5}, Shape{4, 1}, Shape{})
	if err != nil || !got.Equal(Shape{3, 4, 5}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := Broadcast(Shape{3}, Shape{4}); err == nil {
		t.Error("[3] and [4] broadcast")
	}
	if got := (Shape{3, 1}).BroadcastStrides(Shape{2, 3, 5}); got[0] != 0 || got[1] != 1 || got[2] != 0 {
		t.Errorf("strides %v", got)
	}
}

func TestConversions(t *testing.T) {
	for dt := Float32; dt <= Bool; dt++ {
		x := New(dt, 3)
		x.SetFloat64s([]float64{0, 1, 1})
		if got := x.Float64s(); got[0] != 0 || got[1] != 1 || got[2] != 1 {
			t.Errorf("%v: %v", dt, got)
		}
		x.SetInt64s([]int64{1, 0, 1})
		if got := x.Int64s(); got[0] != 1 || got[1] != 0 || got[2] != 1 {
			t.Errorf("%v: %v", dt, got)
		}
	}
	x := New(Int8, 1)
	x.SetInt64s([]int64{-200})
	if got := Slice[int8](x)[0]; got != 56 {
		t.Errorf("int8(-200) = %d, want 56", got)
	}
}
