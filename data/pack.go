package data

import (
	"image"
	"image/color"
)

// packColour writes red, green and blue of each pixel; transparent pixels show black.
func packColour(out []byte, picture image.Image) {
	b := picture.Bounds()
	k := 0
	switch p := picture.(type) {
	case *image.YCbCr:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				yi, ci := p.YOffset(x, y), p.COffset(x, y)
				out[k], out[k+1], out[k+2] = color.YCbCrToRGB(p.Y[yi], p.Cb[ci], p.Cr[ci])
				k += 3
			}
		}
	case *image.Gray:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for _, v := range p.Pix[p.PixOffset(b.Min.X, y):][:b.Dx()] {
				out[k], out[k+1], out[k+2] = v, v, v
				k += 3
			}
		}
	case *image.RGBA:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			row := p.Pix[p.PixOffset(b.Min.X, y):][:4*b.Dx()]
			for i := 0; i < len(row); i += 4 {
				out[k], out[k+1], out[k+2] = row[i], row[i+1], row[i+2]
				k += 3
			}
		}
	default:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				r, g, bl, _ := picture.At(x, y).RGBA()
				out[k], out[k+1], out[k+2] = byte(r>>8), byte(g>>8), byte(bl>>8)
				k += 3
			}
		}
	}
}

// packGrey writes the luma of each pixel, by ITU-R BT.601 as JPEG has it.
func packGrey(out []byte, picture image.Image) {
	b := picture.Bounds()
	k := 0
	switch p := picture.(type) {
	case *image.YCbCr:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				out[k] = p.Y[p.YOffset(x, y)]
				k++
			}
		}
	case *image.Gray:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			k += copy(out[k:], p.Pix[p.PixOffset(b.Min.X, y):][:b.Dx()])
		}
	default:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				out[k] = color.GrayModel.Convert(picture.At(x, y)).(color.Gray).Y
				k++
			}
		}
	}
}
