package data

import (
	"math"

	"github.com/onnxtrain/onnxtrain/tensor"
)

// glyphs is the image task: a class is a figure of strokes, drawn with random place, size, slant, width and colours on
// a shaded, noisy background.
type glyphs struct {
	imageTarget
	classes int
	dense   bool // the label is a map of classes, 0 for the background
}

// stroke is a line in the unit square.
type stroke struct{ x0, y0, x1, y1 float64 }

// newGlyphs reports whether the input can be an image and the label one of its class or its pixels.
func newGlyphs(input, label Field, classes int) (*glyphs, bool) {
	if len(input.Shape) == 0 || len(input.Shape) > 3 || len(input.Shape) == 1 && input.Shape[0] < 64 {
		return nil, false
	}
	w := Want{Inputs: []Field{input}}
	target, err := w.imageInput("synthetic", frame{1, 0, 0})
	if err != nil || target.Height < 8 || target.Width < 8 {
		return nil, false
	}
	dense := len(label.Shape) == 2 && label.Shape[0] == target.Height && label.Shape[1] == target.Width
	if !dense && len(label.Shape) != 0 {
		return nil, false
	}
	return &glyphs{imageTarget: target, classes: classes, dense: dense}, true
}

// digits are the figures 0 to 9 as strokes between points of a grid 3 wide and 5 high, written as pairs of "xy".
var digits = [10]string{
	"0020 2024 2404 0400", "1014 0110", "0020 2022 2202 0204 0424", "0020 2024 1222 2404", "0002 0222 2024",
	"2000 0002 0222 2224 2404", "2000 0004 0424 2422 2202", "0020 2014", "0020 2024 2404 0400 0222", "2200 0020 2024 2404 0002 0222",
}

// figure is the glyph of class k: a digit, or strokes drawn from k between points of a grid 4 wide and high.
func figure(k int) []stroke {
	var out []stroke
	if k < len(digits) {
		text := digits[k]
		for i := 0; i+4 <= len(text); i += 5 {
			x := func(j int) float64 { return float64(text[i+j]-'0') / 2 }
			y := func(j int) float64 { return float64(text[i+j]-'0') / 4 }
			out = append(out, stroke{x(0), y(1), x(2), y(3)})
		}
		return out
	}
	r := randAt(taskSeed, 0, uint64(k))
	x, y := r.Intn(4), r.Intn(4)
	for range 4 + r.Intn(3) {
		nx, ny := x, y
		for nx == x && ny == y {
			nx, ny = r.Intn(4), r.Intn(4)
		}
		out = append(out, stroke{float64(x) / 3, float64(y) / 3, float64(nx) / 3, float64(ny) / 3})
		x, y = nx, ny
	}
	return out
}

func (g *glyphs) write(r *Rand, dst []*tensor.Tensor) {
	label := dst[len(dst)-1].I64()
	class := r.Intn(g.classes)
	if g.dense && g.classes > 1 {
		class = 1 + r.Intn(g.classes-1)
	}
	ink := make([]float64, g.Height*g.Width)
	g.draw(ink, figure(class), r)
	if g.dense {
		for i, v := range ink {
			label[i] = 0
			if v > 0.5 {
				label[i] = int64(class)
			}
		}
	} else {
		label[0] = int64(class)
	}
	g.paint(dst[0].F32(), ink, r)
}

// draw covers ink, from 0 to 1, with the figure under a random affine map.
func (g *glyphs) draw(ink []float64, figure []stroke, r *Rand) {
	span := float64(min(g.Height, g.Width))
	size := span * (0.45 + 0.3*r.Float64())
	angle, slant, aspect := 0.5*(r.Float64()-0.5), 0.6*(r.Float64()-0.5), 0.65+0.35*r.Float64()
	cx := float64(g.Width)/2 + 0.25*float64(g.Width)*(r.Float64()-0.5)
	cy := float64(g.Height)/2 + 0.25*float64(g.Height)*(r.Float64()-0.5)
	width := span * (0.03 + 0.03*r.Float64())
	sin, cos := math.Sincos(angle)
	place := func(x, y float64) (float64, float64) {
		x, y = (x-0.5)*aspect, y-0.5
		x -= slant * y
		return cx + size*(x*cos-y*sin), cy + size*(x*sin+y*cos)
	}
	for _, s := range figure {
		x0, y0 := place(s.x0, s.y0)
		x1, y1 := place(s.x1, s.y1)
		g.line(ink, stroke{x0, y0, x1, y1}, width)
	}
}

// line adds a line with round ends and smooth edges, width pixels to each side.
func (g *glyphs) line(ink []float64, s stroke, width float64) {
	dx, dy := s.x1-s.x0, s.y1-s.y0
	length := max(dx*dx+dy*dy, 1e-9)
	reach := width + 1
	left, right := max(0, int(min(s.x0, s.x1)-reach)), min(g.Width-1, int(max(s.x0, s.x1)+reach))
	top, bottom := max(0, int(min(s.y0, s.y1)-reach)), min(g.Height-1, int(max(s.y0, s.y1)+reach))
	for y := top; y <= bottom; y++ {
		for x := left; x <= right; x++ {
			px, py := float64(x)+0.5-s.x0, float64(y)+0.5-s.y0
			t := min(max((px*dx+py*dy)/length, 0), 1)
			ex, ey := px-t*dx, py-t*dy
			cover := min(max(width+0.5-math.Sqrt(ex*ex+ey*ey), 0), 1)
			if at := y*g.Width + x; cover > ink[at] {
				ink[at] = cover
			}
		}
	}
}

// paint mixes background and ink for each channel, adds noise, and writes pixels from about -1 to 1.
func (g *glyphs) paint(out []float32, ink []float64, r *Rand) {
	area := g.Height * g.Width
	for c := range g.Channels {
		back := -0.8 + 0.7*r.Float64()
		fore := back + 0.6 + 0.6*r.Float64()
		if g.Channels == 1 {
			back, fore = -0.8+0.2*r.Float64(), 0.4+0.5*r.Float64()
		}
		across, down := 0.5*(r.Float64()-0.5)/float64(g.Width), 0.5*(r.Float64()-0.5)/float64(g.Height)
		for i, cover := range ink {
			shade := back + across*float64(i%g.Width) + down*float64(i/g.Width)
			// Three uniform numbers out of one draw make noise that is close enough to normal, with deviation 0.12.
			u := r.Uint64()
			noise := float64(u&0xffff) + float64(u>>16&0xffff) + float64(u>>32&0xffff) - 1.5*0xffff
			v := float32(shade + cover*(fore-shade) + noise*(0.24/0xffff))
			if g.channelsLast {
				out[i*g.Channels+c] = v
			} else {
				out[c*area+i] = v
			}
		}
	}
}
