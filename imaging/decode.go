package imaging

import (
	"errors"
	"fmt"
	"image"
	"io"
	"time"
)

// task is an image to decode. Its header has passed every limit.
type task struct {
	header Header
	data   []byte
	look   look
	goOn   func() error // asked while it is decoded; nil: always goes on
	needed image.Point  // what the resize scales the image to, turned as it is stored
}

// run decodes the image. The pixels may lie in the scratch memory, and are valid
// until it is used for another image.
//
// What the first way refuses goes to the second, if it has one: not data that ends too
// early, which no way shows, nor a large image, whose memory was not reserved for that.
// Where both refuse, the second way's error is returned: it knows more variants.
func (t task) run(s *scratch) (pixels, error) {
	if t.header.Format == JPEG {
		if source, ok := t.shrinkJPEG(s); ok {
			if t.look.colour != nil {
				source.read = turned(source.read, t.look.colour)
			}
			return source, nil
		}
	}
	c := codecOf(t.header.Format)
	from := newSource(t.data, t.header.Cost.Work, t.goOn)
	decoded, err := t.by(c.decode, from)
	costly := t.header.Cost.Bytes > mostUnforeseen && t.header.Format != PNG // whose second way takes no more
	if err == nil || from.err != nil || c.second == nil || from.cut || costly {
		return decoded, err
	}
	if t.header.Cost.Bytes > slight {
		if err := t.enter(unforeseen); err != nil {
			return pixels{}, err
		}
		defer func() { <-unforeseen }()
	}
	return t.by(c.second, newSource(t.data, t.header.Cost.Work, t.goOn))
}

// mostUnforeseen is the cost, in bytes, above which an image that was expected to be read
// in the first way is not tried in the second: that may take several times as much.
const mostUnforeseen = 16 << 20

// slight is the cost, in bytes, up to which such an image does not wait for others: what
// its second way takes counts little.
const slight = 4 << 20

// unforeseen lets one image that is not slight be read in the second way at a time where
// the first was expected to do: for that one nothing was reserved. What is known from the
// header to need the second way goes there by its codec's decode, at its full cost.
var unforeseen = make(chan struct{}, 1) // 1: one at a time

// enter takes a place, or returns why the task does not go on to wait for one.
func (t task) enter(places chan struct{}) error {
	ask := time.NewTicker(checkPeriod)
	defer ask.Stop()
	for {
		select {
		case places <- struct{}{}:
			return nil
		case <-ask.C:
		}
		if t.goOn == nil {
			continue
		}
		if err := t.goOn(); err != nil {
			return err
		}
	}
}

// by runs one decoder, and gives access to its pixels.
func (t task) by(decode func(task, *source) (image.Image, error), from *source) (pixels, error) {
	header := t.header
	source, err := guard(header.Format, func() (pixels, error) {
		decoded, err := decode(t, from)
		if err != nil {
			from.cut = errors.Is(err, io.ErrUnexpectedEOF)
			return pixels{}, err
		}
		if size := decoded.Bounds().Size(); size != image.Pt(header.Width, header.Height) {
			return pixels{}, fmt.Errorf("the header declares %dx%d pixels, the data of %dx%d", header.Width, header.Height, size.X, size.Y)
		}
		return pixelsOf(decoded, header, t.look)
	})
	if from.err != nil {
		return pixels{}, from.err // whatever the decoder has made of it
	}
	return source, err
}
