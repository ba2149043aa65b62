package optimizers

import (
	"fmt"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// precision is what state is kept in.
type precision uint8

const (
	full precision = iota // the parameter's own
	bf16
)

func (p *precision) UnmarshalText(text []byte) error {
	switch string(text) {
	case "f32", "float32":
		*p = full
	case "bf16", "bfloat16":
		*p = bf16
	default:
		return fmt.Errorf("is none of f32 bf16")
	}
	return nil
}

func (p precision) MarshalText() ([]byte, error) {
	if p == bf16 {
		return []byte("bf16"), nil
	}
	return []byte("f32"), nil
}

// roundBF16 rounds to the nearest bfloat16.
func roundBF16(x float32) float32 { return tensor.ToBFloat16(x).Float32() }
