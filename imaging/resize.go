package imaging

import "image"

// Filter is one of Pillow's resampling kernels.
type Filter int

// The kernels that the network's original trainer uses. Both widen as a picture
// shrinks, so that no sample is left out.
const (
	Bilinear Filter = iota // a tent over 2 samples
	Bicubic                // Keys' cubic, a = -1/2, over 4 samples
)

// String names the kernel as Pillow does, in lower case.
func (f Filter) String() string {
	if f == Bicubic {
		return "bicubic"
	}
	return "bilinear"
}

func (f Filter) kernel() filter {
	if f == Bicubic {
		return bicubic
	}
	return bilinear
}

// Resize scales the whole picture to width by height pixels, equal to Pillow's
// Image.resize to the bit. The result is always a new picture, also where the
// size stays; p is not changed. A side below 1 counts as 1, and a picture
// without pixels gives black ones. Safe for concurrent use.
func (p *Picture) Resize(width, height int, f Filter) *Picture {
	resized := newPicture(max(1, width), max(1, height))
	if p.Width <= 0 || p.Height <= 0 {
		return resized
	}
	resample(resized, whole(p.Width, p.Height, rgbRows(p.Pix, p.Width)), layout{
		scaledWidth: resized.Width, scaledHeight: resized.Height, filter: f.kernel(),
		width: resized.Width, height: resized.Height,
	}, new(scratch))
	return resized
}

// Crop copies the box, in pixels from the top left corner. Of a box that reaches
// outside only the part inside is kept, which may be a picture of 0x0. p is not
// changed. Safe for concurrent use.
func (p *Picture) Crop(box image.Rectangle) *Picture {
	box = box.Intersect(image.Rect(0, 0, p.Width, p.Height))
	cut := newPicture(box.Dx(), box.Dy())
	stride := cut.Width * 3
	for y := range cut.Height {
		from := ((box.Min.Y+y)*p.Width + box.Min.X) * 3
		copy(cut.Pix[y*stride:(y+1)*stride], p.Pix[from:])
	}
	return cut
}
