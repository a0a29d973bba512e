package dataset

import (
	"slices"

	"siamese/imaging"
)

// Gray gives the pixels of an image whose channels are all alike, once a pixel:
// [H,W] uint8 of the network's input size, mirrored, turned and combined as the
// image says. They must not be changed. It is false where the image has colours or is not in memory, or
// Picture would fail: ask Picture then.
func (d *Dataset) Gray(image Image) (pixels []byte, ok bool) {
	if image.second.how != 0 {
		return d.combinedGray(image)
	}
	if image.file == nil || image.file.source != d.source || !image.file.gray {
		return nil, false
	}
	size := d.preparer.Config()
	if image.Turns%quarters != 0 && size.Width != size.Height {
		return nil, false
	}
	pixels = image.file.pixels
	if image.Mirrored {
		pixels = mirrorPixels(pixels, size.Width, 1)
	}
	return turnPixels(pixels, size.Width, 1, image.Turns), true
}

// Size is that of the network's input, which Gray and Picture have, in pixels.
func (d *Dataset) Size() (width, height int) {
	size := d.preparer.Config()
	return size.Width, size.Height
}

// picture gives the prepared picture from memory, or else decodes it.
func (f *file) picture(p *imaging.Preparer) (*imaging.Picture, error) {
	size := p.Config()
	switch {
	case f.gray:
		return &imaging.Picture{Width: size.Width, Height: size.Height, Pix: widened(f.pixels)}, nil
	case f.pixels != nil:
		return &imaging.Picture{Width: size.Width, Height: size.Height, Pix: slices.Clone(f.pixels)}, nil
	}
	encoded, err := f.read()
	if err != nil {
		return nil, reason(err)
	}
	return p.Prepare(encoded)
}

// holdPixels keeps the picture's pixels while there is room, and reports whether
// there was.
func (f *file) holdPixels(p *imaging.Picture) bool {
	pixels, gray := narrowed(p.Pix)
	size := int64(len(pixels))
	if f.source.pixelBytes.Add(size) > f.source.maxPixelBytes {
		f.source.pixelBytes.Add(-size)
		return false
	}
	f.pixels, f.gray = pixels, gray
	return true
}

// narrowed gives one channel of three where all are alike.
func narrowed(rgb []byte) (pixels []byte, gray bool) {
	for i := 0; i < len(rgb); i += 3 {
		if rgb[i] != rgb[i+1] || rgb[i] != rgb[i+2] {
			return rgb, false
		}
	}
	pixels = make([]byte, len(rgb)/3)
	for i := range pixels {
		pixels[i] = rgb[3*i]
	}
	return pixels, true
}

// widened gives three channels of one.
func widened(gray []byte) []byte {
	rgb := make([]byte, 3*len(gray))
	for i, level := range gray {
		pixel := rgb[3*i : 3*i+3 : 3*i+3]
		pixel[0], pixel[1], pixel[2] = level, level, level
	}
	return rgb
}

// turnPixels gives a square of so many channels after quarter turns clockwise; the
// same pixels where there are none.
func turnPixels(pixels []byte, side, channels, turns int) []byte {
	turns &= quarters - 1
	if turns == 0 {
		return pixels
	}
	last := side - 1
	out := make([]byte, len(pixels))
	for y := range side {
		for x := range side {
			toX, toY := last-y, x
			switch turns {
			case 2:
				toX, toY = last-x, last-y
			case 3:
				toX, toY = y, last-x
			}
			from, to := channels*(y*side+x), channels*(toY*side+toX)
			copy(out[to:to+channels], pixels[from:from+channels])
		}
	}
	return out
}
