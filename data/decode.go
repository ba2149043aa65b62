package data

import (
	"bytes"
	"fmt"
	"image"
	"sync/atomic"

	_ "image/gif"  // decoders register themselves
	_ "image/jpeg" //
	_ "image/png"  //

	_ "golang.org/x/image/bmp"  //
	_ "golang.org/x/image/webp" //
)

// filePixels decodes the files of a store into a frame.
type filePixels struct {
	store
	frame
	path  string // of the store, for messages
	names []string
	list  []imageFile
	fit   string
}

func (p *filePixels) Len() int { return len(p.list) }

// natural is the frame of the first image, for models that leave the size open.
func (p *filePixels) natural() (frame, error) {
	file, err := p.File(p.list[0].index)
	if err != nil {
		return frame{}, p.fail(0, err)
	}
	c, err := imageBounds(file)
	if err != nil {
		return frame{}, p.fail(0, err)
	}
	return frame{3, c.Height, c.Width}, nil
}

func (p *filePixels) fail(i int, err error) error {
	return fmt.Errorf("%s: image %s: %w", p.path, p.names[p.list[i].index], err)
}

func (p *filePixels) Image(i int, scratch []byte) ([]byte, error) {
	file, err := p.File(p.list[i].index)
	if err != nil {
		return nil, p.fail(i, err)
	}
	if _, err := imageBounds(file); err != nil {
		return nil, p.fail(i, err)
	}
	picture, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, p.fail(i, err)
	}
	if len(scratch) != p.bytes() {
		scratch = make([]byte, p.bytes())
	}
	pack(scratch, picture, p.frame, p.fit)
	return scratch, nil
}

// imageBounds reads the size from the header, before the decoder believes it.
func imageBounds(file []byte) (image.Config, error) {
	c, _, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return c, err
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxImagePixels/c.Height {
		return c, fmt.Errorf("an image of %d×%d pixels; at most %d are decoded", c.Width, c.Height, maxImagePixels)
	}
	if free := c.Width*c.Height - freePixels; free > maxPixelsPerByte*len(file) {
		return c, fmt.Errorf("an image of %d×%d pixels in %d bytes looks like a bomb; store it in another form if it is right", c.Width, c.Height, len(file))
	}
	return c, nil
}

// cachedPixels keeps each image after it has been decoded once.
type cachedPixels struct {
	pixels
	size  int
	data  []byte
	state []atomic.Uint32
}

const (
	cacheEmpty uint32 = iota
	cacheWriting
	cacheReady
)

func newCachedPixels(src pixels, size int) *cachedPixels {
	return &cachedPixels{src, size, make([]byte, src.Len()*size), make([]atomic.Uint32, src.Len())}
}

func (p *cachedPixels) Image(i int, scratch []byte) ([]byte, error) {
	kept := p.data[i*p.size : (i+1)*p.size : (i+1)*p.size]
	switch {
	case p.state[i].Load() == cacheReady:
		return kept, nil
	case p.state[i].CompareAndSwap(cacheEmpty, cacheWriting):
		if _, err := p.pixels.Image(i, kept); err != nil {
			p.state[i].Store(cacheEmpty)
			return nil, err
		}
		p.state[i].Store(cacheReady)
		return kept, nil
	default: // another goroutine is decoding it
		return p.pixels.Image(i, scratch)
	}
}
