package imaging

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"time"
)

// PrepareWithThumbnail is PrepareWhile that also returns the whole image, upright, with
// its longer side scaled down to side pixels; one that is smaller keeps its size. The
// image is decoded once. side is at least 1.
func (p *Preparer) PrepareWithThumbnail(encoded []byte, side int, goOn func() error) (picture, thumbnail *Picture, err error) {
	header, d, err := p.inspect(encoded)
	if err != nil {
		return nil, nil, err
	}
	width, height := d.turn.size(header.Width, header.Height)
	l, small := p.config.layout(width, height), thumbnailLayout(width, height, side)
	neededWidth, neededHeight := d.turn.size(max(l.scaledWidth, small.width), max(l.scaledHeight, small.height))

	s := p.scratch.Get().(*scratch)
	defer p.release(s)
	source, err := p.decode(task{
		header: header, data: encoded, look: look{p.config.Alpha, d.colour}, goOn: goOn, needed: image.Pt(neededWidth, neededHeight),
	}, d.turn, s)
	if err != nil {
		return nil, nil, err
	}
	return p.fit(source, l, s), scaled(source, small, s), nil
}

// PrepareRawWithThumbnail is PrepareRaw likewise.
func (p *Preparer) PrepareRawWithThumbnail(raw Raw, side int) (picture, thumbnail *Picture, err error) {
	source, err := raw.pixels(p.config.Limits)
	if err != nil {
		return nil, nil, err
	}
	s := p.scratch.Get().(*scratch)
	defer p.release(s)
	return p.fit(source, p.config.layout(raw.Width, raw.Height), s), scaled(source, thumbnailLayout(raw.Width, raw.Height, side), s), nil
}

// ThumbnailCost is what a thumbnail of an image of width by height pixels takes beside
// its preparing.
func ThumbnailCost(width, height, side int) Cost {
	return Cost{
		Bytes: 2*3*int64(max(width, height))*int64(side) + 4*3*int64(side)*int64(side),
		Work:  time.Duration(int64(width)*int64(height)) * deepPixelWork,
	}
}

// thumbnailLayout scales a whole image down until its longer side is side.
func thumbnailLayout(width, height, side int) layout {
	longer := max(width, height)
	if longer > side {
		width, height = max(1, width*side/longer), max(1, height*side/longer)
	}
	return layout{scaledWidth: width, scaledHeight: height, filter: bilinear, width: width, height: height}
}

// scaled resizes upright pixels into a picture of the layout's size.
func scaled(source pixels, l layout, s *scratch) *Picture {
	picture := newPicture(l.width, l.height)
	if source.deep != nil {
		resampleDeep(picture, source, l, s)
	} else {
		resample(picture, source, l, s)
	}
	return picture
}

// JPEG encodes the picture with a quality of 1 to 100. It fails only where Pix does not
// have the length that Width and Height ask for.
func (p *Picture) JPEG(quality int) ([]byte, error) {
	if p.Width <= 0 || p.Height <= 0 || len(p.Pix) != p.Width*p.Height*3 {
		return nil, fmt.Errorf("imaging: picture of %dx%d has %d bytes, expected %d and positive sides",
			p.Width, p.Height, len(p.Pix), p.Width*p.Height*3)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, p.Image(), &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("imaging: encode picture: %w", err)
	}
	return out.Bytes(), nil
}
