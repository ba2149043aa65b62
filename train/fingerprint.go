package train

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/onnxtrain/onnxtrain/data"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// fingerprint tells data sets apart: a hash of number, arrays, classes and transform, and of some examples from all over the
// data. Reading all of them would take as long as an epoch, so that a change of a few others goes unnoticed.
func fingerprint(d data.Dataset) string {
	const sample = 32
	h := sha256.New()
	fmt.Fprintf(h, "%d %v\n", d.Len(), d.Fields())
	if about, ok := d.(data.Described); ok {
		fmt.Fprintf(h, "%q %q\n", about.ClassNames(), about.Transform())
	}
	var example []*tensor.Tensor
	for _, f := range d.Fields() {
		example = append(example, tensor.New(f.DType, f.Shape...))
	}
	n := min(sample, d.Len())
	for k := range n {
		i := k
		if n > 1 {
			i = k * (d.Len() - 1) / (n - 1)
		}
		if d.Read(i, data.NewRand(0, 0, uint64(i)), example) != nil {
			fmt.Fprintf(h, "%d cannot be read\n", i) // which training will say when it gets there
			continue
		}
		for _, t := range example {
			h.Write(t.Data)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
