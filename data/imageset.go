package data

import (
	"fmt"
	"slices"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// pixels is a list of images of one frame.
type pixels interface {
	Len() int
	// Image returns image i, channels innermost; it may lie in scratch, and the caller must not change it.
	Image(i int, scratch []byte) ([]byte, error)
	Close() error
}

// imageSet makes batches of images: augmentation, normalisation and layout on top of bytes.
type imageSet struct {
	pixels
	target  imageTarget
	label   Field
	labels  []int32
	classes []string
	pad     int // random crop out of an image with this many black pixels around
	flip    bool
	fit     string
	table   [][256]float32 // for each channel, what a byte becomes
	mean    []float64
	std     []float64
}

// imageOptions are what every image format takes.
var imageOptions = []Option{
	{"mean", "subtracted from pixels in [0,1]: one number, or one a channel"},
	{"std", "pixels are divided by it after the mean is subtracted"},
	{"crop", "when training, pad by N black pixels and crop at random (0)"},
	{"flip", "when training, mirror every other image (0)"},
}

// newImageSet reads imageOptions and puts them on top of src, whose frame is the target's.
func newImageSet(q Request, src pixels, target imageTarget, labels []int32, classes []string) (*imageSet, error) {
	d := &imageSet{pixels: src, target: target, labels: labels, classes: classes}
	var err error
	if d.pad, d.flip, err = augmentation(q); err != nil {
		return nil, err
	}
	if d.mean, d.std, err = normalisation(q, "image", target.Channels); err != nil {
		return nil, err
	}
	count := len(classes)
	for i, c := range labels {
		if count = max(count, int(c)+1); q.Want.Classes > 0 && int(c) >= q.Want.Classes {
			return nil, fmt.Errorf("image %d has label %d, the model's output has only %d classes", i, c, q.Want.Classes)
		}
	}
	if d.label, err = q.Want.classLabel(count); err != nil {
		return nil, err
	}
	d.table = make([][256]float32, target.Channels)
	for c := range d.table {
		for b := range d.table[c] {
			x := float64(b) / 255
			if d.mean != nil {
				x = (x - d.mean[c]) / d.std[c]
			}
			d.table[c][b] = float32(x)
		}
	}
	return d, nil
}

// augmentation reads crop and flip, and checks that the other options have values of the right form. Formats call it
// before they read files, so that a misspelt value is reported at once.
func augmentation(q Request) (pad int, flip bool, err error) {
	pad = q.Options.Int("crop", 0, 0, 1<<12)
	flip = q.Options.Bool("flip", false)
	q.Options.Floats("mean")
	q.Options.Floats("std")
	if !q.Train {
		pad, flip = 0, false
	}
	return pad, flip, q.Options.Err()
}

func (d *imageSet) Fields() []Field      { return []Field{d.target.field, d.label} }
func (d *imageSet) ClassNames() []string { return slices.Clone(d.classes) }

func (d *imageSet) Transform() string {
	t := d.target
	return Transform{Kind: "image", Channels: t.Channels, Height: t.Height, Width: t.Width, Fit: d.fit, Scale: 1. / 255,
		Mean: d.mean, Std: d.std}.String()
}

func (d *imageSet) Read(i int, r *Rand, dst []*tensor.Tensor) error {
	img, err := d.Image(i, nil)
	if err != nil {
		return err
	}
	dy, dx, mirror := 0, 0, false
	if d.pad > 0 {
		dy, dx = r.Intn(2*d.pad+1)-d.pad, r.Intn(2*d.pad+1)-d.pad
	}
	if d.flip {
		mirror = r.Uint64()>>63 == 1
	}
	d.write(dst[0].F32(), img, dy, dx, mirror)
	dst[1].I64()[0] = int64(d.labels[i])
	return nil
}

// write lays out the image moved by (dy, dx) against its black surroundings, mirrored after that.
func (d *imageSet) write(out []float32, img []byte, dy, dx int, mirror bool) {
	t := d.target
	pixelStep, channelStep := 1, t.Height*t.Width
	if t.channelsLast {
		pixelStep, channelStep = t.Channels, 1
	}
	for c := range t.Channels {
		table := &d.table[c]
		for y := range t.Height {
			sy := y + dy
			row := out[c*channelStep+y*t.Width*pixelStep:]
			if sy < 0 || sy >= t.Height {
				for x := range t.Width {
					row[x*pixelStep] = table[0]
				}
				continue
			}
			src := img[sy*t.Width*t.Channels : (sy+1)*t.Width*t.Channels]
			sx, step := dx, 1
			if mirror {
				sx, step = dx+t.Width-1, -1
			}
			for x := range t.Width {
				v := table[0]
				if uint(sx) < uint(t.Width) {
					v = table[src[sx*t.Channels+c]]
				}
				row[x*pixelStep] = v
				sx += step
			}
		}
	}
}
