package data

import (
	"fmt"
	"math"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// frame is the size of an image whose pixels are bytes, channels innermost: the form in which images are kept.
type frame struct{ Channels, Height, Width int }

func (f frame) bytes() int { return f.Channels * f.Height * f.Width }

func (f frame) String() string {
	return fmt.Sprintf("%d×%d×%d (channels, height, width)", f.Channels, f.Height, f.Width)
}

// imageTarget is how a model takes images.
type imageTarget struct {
	frame
	channelsLast bool
	field        Field // with every dimension known
}

// imageInput says how the model's only input takes images; natural fills in what the model leaves open.
func (w Want) imageInput(scheme string, natural frame) (imageTarget, error) {
	f, err := w.oneInput(scheme)
	if err != nil {
		return imageTarget{}, err
	}
	t := imageTarget{frame: natural, field: Field{Name: f.Name, DType: f.DType}}
	refuse := fmt.Errorf("the model wants %v for %q, %s: gives float32 images of %v", f, f.Name, scheme, natural)
	if f.DType != tensor.Float32 {
		return t, fmt.Errorf("%w; use npz: for other element types", refuse)
	}
	s := f.Shape
	open := func(dim, natural int) int {
		if dim < 0 {
			return natural
		}
		return dim
	}
	switch {
	case len(s) == 3 && (s[2] == 1 || s[2] == 3) && s[0] != 1 && s[0] != 3:
		t.channelsLast = true
		t.Height, t.Width, t.Channels = open(s[0], natural.Height), open(s[1], natural.Width), s[2]
		t.field.Shape = tensor.Shape{t.Height, t.Width, t.Channels}
	case len(s) == 3:
		t.Channels, t.Height, t.Width = open(s[0], natural.Channels), open(s[1], natural.Height), open(s[2], natural.Width)
		t.field.Shape = tensor.Shape{t.Channels, t.Height, t.Width}
	case len(s) == 2:
		t.Channels, t.Height, t.Width = 1, open(s[0], natural.Height), open(s[1], natural.Width)
		t.field.Shape = tensor.Shape{t.Height, t.Width}
	case len(s) == 1:
		if t.frame, err = flatFrame(open(s[0], natural.bytes()), natural); err != nil {
			return t, fmt.Errorf("%w: %w", refuse, err)
		}
		t.field.Shape = tensor.Shape{t.bytes()}
	default:
		return t, fmt.Errorf("%w, which need an input of rank 1, 2 or 3 after the batch axis", refuse)
	}
	if t.Channels != 1 && t.Channels != 3 {
		return t, fmt.Errorf("%w; only 1 or 3 channels are possible", refuse)
	}
	const longest = 1 << 14
	if t.Height < 1 || t.Width < 1 || t.Height > longest || t.Width > longest {
		return t, fmt.Errorf("%w; sides must be from 1 to %d", refuse, longest)
	}
	return t, nil
}

// flatFrame is the square image, or the natural one, that has n bytes.
func flatFrame(n int, natural frame) (frame, error) {
	if n == natural.bytes() {
		return natural, nil
	}
	for _, c := range []int{natural.Channels, 1, 3} {
		side := int(math.Sqrt(float64(n/c)) + 0.5)
		if side > 0 && c*side*side == n {
			return frame{c, side, side}, nil
		}
	}
	return frame{}, fmt.Errorf("%d is no square image", n)
}
