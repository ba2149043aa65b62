package data

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/onnxtrain/onnxtrain/tensor"
)

func float32s(shape ...int) Field { return Field{"x", tensor.Float32, shape} }
func int64s(name string, shape ...int) Field {
	return Field{name, tensor.Int64, append(tensor.Shape{}, shape...)}
}

func TestSyntheticFitsModels(t *testing.T) {
	class := int64s("label")
	for name, w := range map[string]Want{
		"colour images":     {Inputs: []Field{float32s(3, 32, 32)}, Label: class, Classes: 10},
		"channels last":     {Inputs: []Field{float32s(32, 32, 3)}, Label: class, Classes: 10},
		"open size":         {Inputs: []Field{float32s(-1, -1, -1)}, Label: class, Classes: 100},
		"flat images":       {Inputs: []Field{float32s(784)}, Label: class, Classes: 10},
		"rows":              {Inputs: []Field{float32s(28, 28)}, Label: class, Classes: 10},
		"segmentation":      {Inputs: []Field{float32s(3, 32, 32)}, Label: int64s("label", 32, 32), Classes: 4},
		"vectors":           {Inputs: []Field{float32s(13)}, Label: class, Classes: 3},
		"unknown classes":   {Inputs: []Field{float32s(13)}, Label: class},
		"two inputs":        {Inputs: []Field{float32s(13), {"z", tensor.Float64, tensor.Shape{4}}}, Label: class, Classes: 3},
		"regression":        {Inputs: []Field{float32s(8)}, Label: Field{"label", tensor.Float32, tensor.Shape{2}}},
		"images to numbers": {Inputs: []Field{float32s(3, 8, 8)}, Label: Field{"label", tensor.Float32, tensor.Shape{3, 8, 8}}},
		"language model":    {Inputs: []Field{int64s("idx", 32)}, Label: int64s("label", 32), Classes: 65},
		"open length":       {Inputs: []Field{int64s("idx", -1)}, Label: int64s("label", -1), Classes: 50257, Vocab: 50257},
		"sequence class": {Inputs: []Field{int64s("input_ids", 32), int64s("attention_mask", 32), int64s("token_type_ids", 32)},
			Label: class, Classes: 2, Vocab: 30},
		"sequence score": {Inputs: []Field{int64s("input_ids", 32)}, Label: Field{"label", tensor.Float32, tensor.Shape{1}}},
	} {
		d, err := Open("synthetic:", w, true, 1)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v := openData(t, "synthetic:?split=val", w, false)
		if d.Len() != 4000 || v.Len() != 1000 {
			t.Errorf("%s: %d and %d examples", name, d.Len(), v.Len())
		}
		classes := map[int64]int{}
		for i := range 200 {
			got, again, other := readOne(t, d, i), readOne(t, d, i), readOne(t, v, i)
			for k, x := range got {
				if !bytes.Equal(x.Data, again[k].Data) {
					t.Fatalf("%s: example %d differs from itself", name, i)
				}
				for _, y := range x.Float64s() {
					if math.IsNaN(y) || math.Abs(y) > 100 && x.DType.IsFloat() {
						t.Fatalf("%s: %g", name, y)
					}
				}
			}
			if bytes.Equal(got[0].Data, other[0].Data) {
				t.Fatalf("%s: example %d of val is in train", name, i)
			}
			if label := got[len(got)-1]; label.DType == tensor.Int64 {
				must(t, w.checkClasses(label.I64()))
				classes[label.I64()[len(label.I64())/2]]++
			}
		}
		if w.Label.DType == tensor.Int64 && len(classes) < 2 {
			t.Errorf("%s: labels are all the same", name)
		}
	}
}

func TestSyntheticRefuses(t *testing.T) {
	for name, w := range map[string]Want{
		"unknown output": {Inputs: []Field{float32s(8)}},
		"no input":       {Label: int64s("label")},
		"dense vectors":  {Inputs: []Field{float32s(8)}, Label: int64s("label", 5), Classes: 2},
		"huge":           {Inputs: []Field{float32s(1<<20, 1<<20, 1<<20)}, Label: int64s("label")},
		"bool":           {Inputs: []Field{{"x", tensor.Bool, tensor.Shape{3}}}, Label: int64s("label")},
	} {
		if d, err := Open("synthetic:", w, true, 1); err == nil || !strings.HasPrefix(err.Error(), `data "synthetic:"`) || d != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nearest centroids of the clean figures would be too easy a bar; the figures must at least all differ.
func TestFiguresDiffer(t *testing.T) {
	g := &glyphs{imageTarget: imageTarget{frame: frame{1, 32, 32}}}
	var drawn [][]float64
	for k := range 200 {
		ink := make([]float64, 32*32)
		g.draw(ink, figure(k), NewRand(1, 1, 1))
		for other, o := range drawn {
			sum := 0.0
			for i := range ink {
				sum += math.Abs(ink[i] - o[i])
			}
			if sum < 5 {
				t.Errorf("classes %d and %d differ by only %.1f pixels", other, k, sum)
			}
		}
		drawn = append(drawn, ink)
	}
}
