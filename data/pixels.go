package data

import (
	"fmt"
	"image"

	"golang.org/x/image/draw"
)

// memoryPixels are images that lie one after another.
type memoryPixels struct {
	frame
	data []byte
}

func (p *memoryPixels) Len() int     { return len(p.data) / p.bytes() }
func (p *memoryPixels) Close() error { return nil }

func (p *memoryPixels) Image(i int, _ []byte) ([]byte, error) {
	return p.data[i*p.bytes() : (i+1)*p.bytes()], nil
}

// adaptPixels brings images of one frame to another: grey becomes colour and colour grey, and the size changes where
// resize allows it.
func adaptPixels(src pixels, from, to frame, resize string) (pixels, error) {
	if from == to {
		return src, nil
	}
	if (from.Height != to.Height || from.Width != to.Width) && resize == "" {
		return nil, fmt.Errorf("the model wants images of %v, the data gives %v; add the option resize=1, or export the model for this size", to, from)
	}
	return &adaptedPixels{src, from, to, resize}, nil
}

type adaptedPixels struct {
	pixels
	from, to frame
	fit      string
}

func (p *adaptedPixels) Image(i int, scratch []byte) ([]byte, error) {
	img, err := p.pixels.Image(i, scratch)
	if err != nil {
		return nil, err
	}
	var picture image.Image
	bounds := image.Rect(0, 0, p.from.Width, p.from.Height)
	if p.from.Channels == 1 {
		picture = &image.Gray{Pix: img, Stride: p.from.Width, Rect: bounds}
	} else {
		rgba := image.NewRGBA(bounds)
		for k := range p.from.Height * p.from.Width {
			rgba.Pix[4*k], rgba.Pix[4*k+1], rgba.Pix[4*k+2], rgba.Pix[4*k+3] = img[3*k], img[3*k+1], img[3*k+2], 255
		}
		picture = rgba
	}
	out := make([]byte, p.to.bytes())
	pack(out, picture, p.to, p.fit)
	return out, nil
}

// pack writes a picture into a frame: "cover" keeps the aspect ratio and cuts off what stands over, "stretch" does not
// keep it. Scaling averages over the source pixels, as PyTorch's antialiased resize does.
func pack(out []byte, picture image.Image, to frame, fit string) {
	b := picture.Bounds()
	if b.Dx() != to.Width || b.Dy() != to.Height {
		scaled := image.NewRGBA(image.Rect(0, 0, to.Width, to.Height))
		if fit == "cover" {
			b = coverRect(b, to.Width, to.Height)
		}
		draw.BiLinear.Scale(scaled, scaled.Bounds(), picture, b, draw.Src, nil)
		picture = scaled
	}
	if to.Channels == 1 {
		packGrey(out, picture)
		return
	}
	packColour(out, picture)
}

// coverRect is the largest centred part of b with the aspect ratio w:h.
func coverRect(b image.Rectangle, w, h int) image.Rectangle {
	cw, ch := b.Dx(), b.Dy()
	if cw*h > ch*w {
		cw = max(1, ch*w/h)
	} else {
		ch = max(1, cw*h/w)
	}
	x, y := b.Min.X+(b.Dx()-cw)/2, b.Min.Y+(b.Dy()-ch)/2
	return image.Rect(x, y, x+cw, y+ch)
}
