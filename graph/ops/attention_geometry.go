package ops

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/graph"
	"github.com/onnxtrain/onnxtrain/tensor"
)

// attention is the shape and settings of scaled dot-product attention.
type attention struct {
	batch, heads, kvHeads int
	queries, keys, past   int // keys counts those of the past too
	size, valueSize       int // of a head
	y                     tensor.Shape
	mask                  tensor.Shape // nil without one; its last axis may be shorter than keys
	scale, softcap        float64
	causal                bool
	left, right           int // how far a query sees to either side; negative is no limit
	shown                 int // the stage of the scores that qk_matmul_output shows
}

// attentionOf reads an ai.onnx Attention node. Its inputs are 4-D with an axis for heads, or 3-D with the heads packed
// into the last axis.
func attentionOf(n *graph.Node) (attention, error) {
	a, err := attentionSettings(n)
	if err != nil {
		return a, err
	}
	cached, err := present(n, 4, 5)
	if err != nil {
		return a, err
	}
	if n.Input(6) != nil && cached {
		return a, fmt.Errorf("input 6, the number of valid keys, and past keys exclude each other")
	}
	if err := a.shapes(n, 0, 1, 2); err != nil {
		return a, err
	}
	if cached {
		if err := rank(n, 4, 4, 4); err != nil {
			return a, err
		}
		a.past = shapeOf(n, 4)[2]
		for i, size := range []int{a.size, a.valueSize} {
			want := tensor.Shape{a.batch, a.kvHeads, a.past, size}
			if got := shapeOf(n, 4+i); !got.Equal(want) {
				return a, fmt.Errorf("input %d, %q, has shape %v, want %v", 4+i, n.In[4+i].Name, got, want)
			}
		}
		a.keys += a.past
	}
	if err := a.maskShape(n, 3); err != nil {
		return a, err
	}
	return a, lengths(n, 6, a.batch)
}

// attentionSettings reads the attributes.
func attentionSettings(n *graph.Node) (attention, error) {
	a := attention{
		softcap: n.Attrs.Float("softcap", 0),
		scale:   n.Attrs.Float("scale", math.NaN()),
		causal:  n.Attrs.Bool("is_causal", false),
		left:    n.Attrs.Int("left_window_size", -1),
		right:   n.Attrs.Int("right_window_size", -1),
		shown:   n.Attrs.Int("qk_matmul_output_mode", 0),
	}
	if a.shown < 0 || a.shown > 3 {
		return a, fmt.Errorf("attribute qk_matmul_output_mode is %d; 0 to 3 are known", a.shown)
	}
	if a.left < -1 || a.right < -1 {
		return a, fmt.Errorf("attributes left_window_size and right_window_size are %d and %d; a size, or -1 for no limit, is taken",
			a.left, a.right)
	}
	return a, nil
}

// shapes reads the inputs q, k and v.
func (a *attention) shapes(n *graph.Node, q, k, v int) error {
	for _, i := range []int{q, k, v} {
		if err := rank(n, i, 3, 4); err != nil {
			return err
		}
	}
	a.heads, a.kvHeads = n.Attrs.Int("q_num_heads", 0), n.Attrs.Int("kv_num_heads", 0)
	valueHeads := a.kvHeads
	var err error
	split := func(i int, heads *int) (positions, size int) {
		positions, size, e := headsOf(shapeOf(n, i), heads)
		if err == nil && e != nil {
			err = fmt.Errorf("input %d, %q: %w", i, n.In[i].Name, e)
		}
		return positions, size
	}
	a.queries, a.size = split(q, &a.heads)
	keys, keySize := split(k, &a.kvHeads)
	values, valueSize := split(v, &valueHeads)
	a.keys, a.valueSize, a.batch = keys, valueSize, shapeOf(n, q)[0]
	if math.IsNaN(a.scale) {
		a.scale = 1 / math.Sqrt(float64(a.size))
	}
	a.y = tensor.Shape{a.batch, a.heads, a.queries, a.valueSize}
	if len(shapeOf(n, q)) == 3 {
		a.y = tensor.Shape{a.batch, a.queries, a.heads * a.valueSize}
	}
	switch {
	case err != nil:
		return err
	case shapeOf(n, k)[0] != a.batch || shapeOf(n, v)[0] != a.batch:
		return fmt.Errorf("batches of %d queries, %d keys and %d values", a.batch, shapeOf(n, k)[0], shapeOf(n, v)[0])
	case keySize != a.size:
		return fmt.Errorf("heads of queries have size %d, those of keys %d", a.size, keySize)
	case keys != values || a.kvHeads != valueHeads:
		return fmt.Errorf("%d keys of %d heads and %d values of %d heads", keys, a.kvHeads, values, valueHeads)
	case a.kvHeads == 0 || a.heads%a.kvHeads != 0:
		return fmt.Errorf("%d heads of queries are no multiple of %d heads of keys", a.heads, a.kvHeads)
	}
	return nil
}

// headsOf splits the shape of queries, keys or values; heads is the number that an attribute gives, 0 for none, and
// becomes the shape's.
func headsOf(s tensor.Shape, heads *int) (positions, size int, err error) {
	if len(s) == 4 {
		if *heads != 0 && *heads != s[1] {
			return 0, 0, fmt.Errorf("shape %v has %d heads, the attribute says %d", s, s[1], *heads)
		}
		*heads = s[1]
		return s[2], s[3], nil
	}
	if *heads < 1 || s[2]%*heads != 0 {
		return 0, 0, fmt.Errorf("shape %v does not split into %d heads; set the number of heads by attribute", s, *heads)
	}
	return s[1], s[2] / *heads, nil
}

// maskShape reads the shape of a mask, input i, which broadcasts to the scores.
func (a *attention) maskShape(n *graph.Node, i int) error {
	if n.Input(i) == nil {
		return nil
	}
	a.mask = shapeOf(n, i)
	scores := tensor.Shape{a.batch, a.heads, a.queries, a.keys}
	if len(a.mask) == 0 || a.mask[len(a.mask)-1] > a.keys {
		return fmt.Errorf("input %d, %q, of shape %v does not mask %d keys", i, n.In[i].Name, a.mask, a.keys)
	}
	scores[3] = a.mask[len(a.mask)-1]
	if whole, err := tensor.Broadcast(a.mask, scores); err != nil || !whole.Equal(scores) {
		return fmt.Errorf("input %d, %q, of shape %v does not broadcast to scores of shape %v", i, n.In[i].Name, a.mask, scores)
	}
	return nil
}

// lengths checks that input i, if present, is a vector with an element for each sample.
func lengths(n *graph.Node, i, batch int) error {
	if v := n.Input(i); v != nil && !v.Type.Shape.Equal(tensor.Shape{batch}) {
		return fmt.Errorf("input %d, %q, has shape %v, want [%d]", i, v.Name, v.Type.Shape, batch)
	}
	return nil
}
