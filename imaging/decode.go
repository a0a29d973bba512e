package imaging

import (
	"fmt"
	"image"
	"sync"
)

// task is an image to decode. Its header has passed every limit.
type task struct {
	header Header
	data   []byte
	alpha  Alpha
	goOn   func() error // asked while it is decoded; nil: always goes on
	needed image.Point  // what the resize scales the image to, turned as it is stored
}

// run decodes the image. The pixels may lie in the scratch memory, and are valid
// until it is used for another image. Of an image that is read in neither way, the
// second way's error is returned: it knows more variants.
func (t task) run(s *scratch) (pixels, error) {
	if t.header.Format == JPEG {
		if source, ok := t.shrinkJPEG(s); ok {
			return source, nil
		}
	}
	c := codecOf(t.header.Format)
	from := newSource(t.data, t.header.Cost.Work, t.goOn)
	decoded, err := t.by(c.decode, from)
	if err == nil || from.err != nil || c.second == nil {
		return decoded, err
	}
	unforeseen.Lock()
	defer unforeseen.Unlock()
	return t.by(c.second, newSource(t.data, t.header.Cost.Work, t.goOn))
}

// unforeseen lets one image of all be read in the second way at a time where the
// first was expected to do: for that one nothing was reserved. What is known from the
// header to need the second way goes there by its codec's decode, at its full cost.
var unforeseen sync.Mutex

// by runs one decoder, and gives access to its pixels.
func (t task) by(decode func(task, *source) (image.Image, error), from *source) (pixels, error) {
	header := t.header
	source, err := guard(header.Format, func() (pixels, error) {
		decoded, err := decode(t, from)
		if err != nil {
			return pixels{}, err
		}
		// A GIF's frame may cover a part of its screen; the library keeps it inside.
		if size := decoded.Bounds().Size(); header.Format != GIF && size != image.Pt(header.Width, header.Height) {
			return pixels{}, fmt.Errorf("the header declares %dx%d pixels, the data of %dx%d", header.Width, header.Height, size.X, size.Y)
		}
		return pixelsOf(decoded, header, t.alpha)
	})
	if from.err != nil {
		return pixels{}, from.err // whatever the decoder has made of it
	}
	return source, err
}
