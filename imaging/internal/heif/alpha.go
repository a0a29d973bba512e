package heif

import (
	"fmt"
	"image"
	"slices"
)

// addAlpha finds the picture's transparency: an item of its own, or one for each tile.
func (f *file) addAlpha(p *Picture, i *item) error {
	alphas := f.alphas()
	alpha, whole := alphas[i.id]
	if whole {
		coded, err := f.coded(f.items[alpha])
		if err != nil {
			return err
		}
		p.Alpha = coded
		p.Premultiplied = slices.Contains(f.targets("prem", i.id), alpha)
		return nil
	}
	if i.kind != kindGrid {
		return nil
	}
	tiles := slices.Clone(f.targets("dimg", i.id)[:p.Colour.Columns*p.Colour.Rows])
	for n, id := range tiles {
		alpha, ok := alphas[id]
		if !ok {
			return nil
		}
		tiles[n] = alpha
	}
	coded, err := f.tiled(tiles)
	if err != nil {
		return err
	}
	coded.Width, coded.Height, coded.Columns, coded.Rows = p.Colour.Width, p.Colour.Height, p.Colour.Columns, p.Colour.Rows
	p.Alpha = coded
	return nil
}

// alphas are the items that are others' transparency, by those others.
func (f *file) alphas() map[uint32]uint32 {
	alphas := map[uint32]uint32{}
	for _, r := range f.references {
		from := f.items[r.from]
		if r.kind != "auxl" || from == nil || !isAlpha(property(f.propertiesOf(from), "auxC")) {
			continue
		}
		for _, to := range r.to {
			if _, ok := alphas[to]; !ok {
				alphas[to] = r.from
			}
		}
	}
	return alphas
}

// isAlpha tells transparency from depth maps and the like, by the text of a property.
func isAlpha(payload []byte) bool {
	r := fields{rest: payload}
	r.version()
	name := r.rest
	if end := slices.Index(name, 0); end >= 0 {
		name = name[:end]
	}
	switch string(name) {
	case "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", "urn:mpeg:hevc:2015:auxid:1", "urn:mpeg:avc:2015:auxid:1":
		return true
	}
	return false
}

// Join puts alpha, gray, into the colours, gray or opaque. An alpha of another size
// is scaled. The result may be colours itself.
func (p *Picture) Join(colours, alpha image.Image) (image.Image, error) {
	levels, err := planeOf(alpha)
	if err != nil || levels.size > 2 || levels.width == 0 || levels.height == 0 {
		return nil, fmt.Errorf("transparency of type %T", alpha)
	}
	coloured := inColour(colours)
	out, err := planeOf(coloured)
	if err != nil {
		return nil, err
	}
	sample := out.size / 4
	for y := range out.height {
		row := levels.pix[y*levels.height/out.height*levels.stride:]
		to := out.pix[y*out.stride+out.size-sample:]
		for x := range out.width {
			// Of samples of two bytes the high one is first; one byte stands for both.
			at := x * levels.width / out.width * levels.size
			to[x*out.size] = row[at]
			if sample == 2 {
				to[x*out.size+1] = row[at+levels.size-1]
			}
		}
	}
	if p.Premultiplied {
		return premultiplied(coloured), nil
	}
	return coloured, nil
}

// inColour copies a gray image into an opaque one of colours.
func inColour(m image.Image) image.Image {
	switch m := m.(type) {
	case *image.Gray:
		out := image.NewNRGBA(m.Rect)
		for y := range m.Rect.Dy() {
			for x, v := range m.Pix[y*m.Stride : y*m.Stride+m.Rect.Dx()] {
				copy(out.Pix[y*out.Stride+4*x:], []byte{v, v, v, 0xff})
			}
		}
		return out
	case *image.Gray16:
		out := image.NewNRGBA64(m.Rect)
		for y := range m.Rect.Dy() {
			for x := range m.Rect.Dx() {
				high, low := m.Pix[y*m.Stride+2*x], m.Pix[y*m.Stride+2*x+1]
				copy(out.Pix[y*out.Stride+8*x:], []byte{high, low, high, low, high, low, 0xff, 0xff})
			}
		}
		return out
	}
	return m
}

// premultiplied takes the same samples for colours that have alpha in them.
func premultiplied(m image.Image) image.Image {
	switch m := m.(type) {
	case *image.NRGBA:
		return &image.RGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
	case *image.NRGBA64:
		return &image.RGBA64{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
	}
	return m
}
