package heif

import (
	"fmt"
	"image"
)

// plane is the pixels of an image of whatever type.
type plane struct {
	pix           []byte
	stride        int // bytes from row to row
	size          int // bytes of a pixel
	width, height int
}

// Show returns the decoded pixels as the picture shows them: cropped and turned. The
// result may share the pixels of decoded, which must be an *image.Gray, *image.Gray16,
// *image.NRGBA, *image.NRGBA64, *image.RGBA or *image.RGBA64.
func (p *Picture) Show(decoded image.Image) (image.Image, error) {
	for _, step := range p.Steps {
		from, err := planeOf(decoded)
		if err != nil {
			return nil, err
		}
		decoded = from.take(step).as(decoded)
	}
	return decoded, nil
}

func planeOf(m image.Image) (plane, error) {
	width, height := m.Bounds().Dx(), m.Bounds().Dy()
	switch m := m.(type) {
	case *image.Gray:
		return plane{m.Pix, m.Stride, 1, width, height}, nil
	case *image.Gray16:
		return plane{m.Pix, m.Stride, 2, width, height}, nil
	case *image.NRGBA:
		return plane{m.Pix, m.Stride, 4, width, height}, nil
	case *image.RGBA:
		return plane{m.Pix, m.Stride, 4, width, height}, nil
	case *image.NRGBA64:
		return plane{m.Pix, m.Stride, 8, width, height}, nil
	case *image.RGBA64:
		return plane{m.Pix, m.Stride, 8, width, height}, nil
	}
	return plane{}, fmt.Errorf("pixels of type %T cannot be turned", m)
}

// as returns the pixels as an image of the same type as another.
func (p plane) as(other image.Image) image.Image {
	rect := image.Rect(0, 0, p.width, p.height)
	switch other.(type) {
	case *image.Gray:
		return &image.Gray{Pix: p.pix, Stride: p.stride, Rect: rect}
	case *image.Gray16:
		return &image.Gray16{Pix: p.pix, Stride: p.stride, Rect: rect}
	case *image.NRGBA:
		return &image.NRGBA{Pix: p.pix, Stride: p.stride, Rect: rect}
	case *image.RGBA:
		return &image.RGBA{Pix: p.pix, Stride: p.stride, Rect: rect}
	case *image.NRGBA64:
		return &image.NRGBA64{Pix: p.pix, Stride: p.stride, Rect: rect}
	default: // the last one that planeOf knows
		return &image.RGBA64{Pix: p.pix, Stride: p.stride, Rect: rect}
	}
}

func (p plane) take(step Step) plane {
	switch {
	case step.Quarter == 1:
		return p.copied(p.height, p.width, func(x, y int) (int, int) { return p.width - 1 - y, x })
	case step.Quarter == 2:
		return p.copied(p.width, p.height, func(x, y int) (int, int) { return p.width - 1 - x, p.height - 1 - y })
	case step.Quarter == 3:
		return p.copied(p.height, p.width, func(x, y int) (int, int) { return y, p.height - 1 - x })
	case step.Mirror == TopAndBottom:
		return p.copied(p.width, p.height, func(x, y int) (int, int) { return x, p.height - 1 - y })
	case step.Mirror == LeftAndRight:
		return p.copied(p.width, p.height, func(x, y int) (int, int) { return p.width - 1 - x, y })
	}
	crop := step.Crop.Intersect(image.Rect(0, 0, p.width, p.height))
	p.pix = p.pix[crop.Min.Y*p.stride+crop.Min.X*p.size:]
	p.width, p.height = crop.Dx(), crop.Dy()
	return p
}

// copied makes new pixels, each from where the function says, which is a map whose
// coordinates are straight lines: it is asked twice a row.
func (p plane) copied(width, height int, from func(x, y int) (int, int)) plane {
	out := plane{make([]byte, width*height*p.size), width * p.size, p.size, width, height}
	for y := range height {
		x0, y0 := from(0, y)
		x1, y1 := from(1, y)
		at, step := y0*p.stride+x0*p.size, (y1-y0)*p.stride+(x1-x0)*p.size
		row := out.pix[y*out.stride : (y+1)*out.stride]
		for to := 0; to < len(row); to += p.size {
			copy(row[to:to+p.size], p.pix[at:at+p.size])
			at += step
		}
	}
	return out
}
