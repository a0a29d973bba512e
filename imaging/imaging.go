// Package imaging turns encoded images or raw pixels into the pictures that the
// network takes: RGB, 8 bits, at its input size. Server, trainer and evaluator
// all prepare through this package, so that they see the same pixels.
//
// The steps are: detect the format by magic bytes, check every limit from the
// header, decode, apply the EXIF orientation, flatten transparency, convert to
// 8-bit RGB, resize. Sixteen-bit samples keep their high byte.
//
// Resizing follows Pillow to the bit (see resample.go), because the network's
// published weights were trained on pictures that Pillow resized.
//
// The package is pure Go. With the build tag turbo, libturbojpeg decodes JPEG, and
// shrinks on the way what is far larger than the output (see jpeg_turbo.go).
package imaging

import (
	"fmt"
	"image"
	"sync"
)

// Version is raised whenever the same bytes would give other pixels than
// before. Anything that outlives a program and depends on pixels, such as an
// embedding in a cache, carries it in its key, with JPEGDecoder beside it.
const Version = 1

// DefaultSide is the network's input width and height where none is configured.
const DefaultSide = 105

// maxSide bounds the configured output; no input size of the network comes near.
const maxSide = 4096

// Config says how pictures are prepared. The zero value is usable and means the
// network's defaults.
type Config struct {
	Width  int    // of the output, pixels, up to 4096; 0 = DefaultSide
	Height int    // of the output, pixels, up to 4096; 0 = DefaultSide
	Rule   Rule   // how an image of another shape is fitted; zero = ShorterSide
	Alpha  Alpha  // what becomes of transparency; zero = CompositeWhite
	Limits Limits // zero fields = the defaults
}

// Validate reports the first field that is out of range.
func (c Config) Validate() error {
	if c.Width < 0 || c.Width > maxSide {
		return fmt.Errorf("imaging: Width is %d, expected 0 (the default) to %d", c.Width, maxSide)
	}
	if c.Height < 0 || c.Height > maxSide {
		return fmt.Errorf("imaging: Height is %d, expected 0 (the default) to %d", c.Height, maxSide)
	}
	if c.Rule != ShorterSide && c.Rule != Letterbox {
		return fmt.Errorf("imaging: Rule is %d, expected ShorterSide or Letterbox", c.Rule)
	}
	if c.Alpha != CompositeWhite && c.Alpha != DropAlpha {
		return fmt.Errorf("imaging: Alpha is %d, expected CompositeWhite or DropAlpha", c.Alpha)
	}
	return c.Limits.Validate()
}

// withDefaults fills in the zero fields.
func (c Config) withDefaults() Config {
	if c.Width == 0 {
		c.Width = DefaultSide
	}
	if c.Height == 0 {
		c.Height = DefaultSide
	}
	c.Limits = c.Limits.withDefaults()
	return c
}

// Preparer prepares pictures by one Config. It is safe for concurrent use; each
// call runs on the caller's goroutine alone.
type Preparer struct {
	config  Config // defaults filled in, never changed
	scratch sync.Pool
}

// New returns a Preparer for a copy of the config, or what Validate reports.
func New(config Config) (*Preparer, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	return &Preparer{
		config:  config.withDefaults(),
		scratch: sync.Pool{New: func() any { return new(scratch) }},
	}, nil
}

// Config returns the configuration in force, with defaults filled in.
func (p *Preparer) Config() Config {
	return p.config
}

// Inspect reads the header and walks over the structure, and checks every limit; no
// pixel is decoded. A caller can so reserve Header.Cost before it calls Prepare. An
// image that passes may still be undecodable. Errors are *Error. The bytes are not
// kept.
func (p *Preparer) Inspect(encoded []byte) (Header, error) {
	if err := p.config.Limits.checkBytes(len(encoded)); err != nil {
		return Header{}, err
	}
	format, err := sniff(encoded)
	if err != nil {
		return Header{}, err
	}
	header, err := readHeader(format, encoded)
	if err != nil {
		return Header{}, err
	}
	if err := p.config.Limits.checkSize(header.Width, header.Height); err != nil {
		return header, err
	}
	decoding, err := codecOf(format).inspect(header, encoded)
	if err != nil {
		return header, err
	}
	turn := turnOf(format, encoded)
	header.Cost = p.fitCost(decoding, header.Width, header.Height, turn)
	return header, p.config.Limits.checkCost(header.Cost)
}

// InspectRaw is Inspect for pixels that are already decoded: what they are is
// checked, and what fitting them takes is returned.
func (p *Preparer) InspectRaw(raw Raw) (Cost, error) {
	if _, err := raw.pixels(p.config.Limits); err != nil {
		return Cost{}, err
	}
	return p.fitCost(Cost{}, raw.Width, raw.Height, upright), nil
}

// Prepare decodes an image and fits it to the configured size. A truncated or
// corrupt image is an error, never a partly grey picture; bytes after the image
// are ignored. Errors are *Error. The bytes are neither changed nor kept.
func (p *Preparer) Prepare(encoded []byte) (*Picture, error) { return p.PrepareWhile(encoded, nil) }

// PrepareWhile is Prepare for as long as goOn, which may be nil, returns nil: it is
// asked every few milliseconds while the decoder reads, and its error ends the work
// and is returned as it is. goOn may block. Decoders that read nothing for a while
// don't ask: a lossless WebP that unpacks to 25 megapixels, or what follows the last
// scan of a JPEG, takes about a second.
func (p *Preparer) PrepareWhile(encoded []byte, goOn func() error) (*Picture, error) {
	header, err := p.Inspect(encoded)
	if err != nil {
		return nil, err
	}
	turn := turnOf(header.Format, encoded)
	l := p.config.layout(turn.size(header.Width, header.Height))
	neededWidth, neededHeight := turn.size(l.scaledWidth, l.scaledHeight)

	s := p.scratch.Get().(*scratch)
	defer p.release(s)
	source, err := p.decode(task{
		header: header, data: encoded, alpha: p.config.Alpha, goOn: goOn, needed: image.Pt(neededWidth, neededHeight),
	}, turn, s)
	if err != nil {
		return nil, err
	}
	return p.fit(source, l, s), nil
}

// decode decodes an image and turns it upright.
func (p *Preparer) decode(t task, turn orientation, s *scratch) (pixels, error) {
	source, err := t.run(s)
	if err != nil || turn == upright {
		return source, err
	}
	return turn.apply(source, s), nil
}

// Decode is Prepare without fitting: the whole image at its own size, upright, with
// the configured transparency. It takes the picture's 3 bytes a pixel beyond
// Header.Cost. Errors are *Error. The bytes are neither changed nor kept.
func (p *Preparer) Decode(encoded []byte) (*Picture, error) {
	header, err := p.Inspect(encoded)
	if err != nil {
		return nil, err
	}
	turn := turnOf(header.Format, encoded)
	width, height := turn.size(header.Width, header.Height)
	s := p.scratch.Get().(*scratch)
	defer p.release(s)
	source, err := p.decode(task{
		header: header, data: encoded, alpha: p.config.Alpha, needed: image.Pt(header.Width, header.Height),
	}, turn, s)
	if err != nil {
		return nil, err
	}
	picture := newPicture(width, height)
	for y := range height {
		source.read(picture.Pix[y*width*3:(y+1)*width*3], y, 0, width)
	}
	return picture, nil
}

// PrepareRaw fits pixels that are already decoded, by the same rules and limits
// (but for MaxBytes, which counts encoded bytes). Errors are *Error. The pixels
// are neither changed nor kept.
func (p *Preparer) PrepareRaw(raw Raw) (*Picture, error) {
	source, err := raw.pixels(p.config.Limits)
	if err != nil {
		return nil, err
	}
	s := p.scratch.Get().(*scratch)
	defer p.release(s)
	return p.fit(source, p.config.layout(raw.Width, raw.Height), s), nil
}

// release hands working memory back once a picture is done.
func (p *Preparer) release(s *scratch) {
	s.trim()
	p.scratch.Put(s)
}

// fit resizes upright pixels into a new picture.
func (p *Preparer) fit(source pixels, l layout, s *scratch) *Picture {
	picture := newPicture(p.config.Width, p.config.Height)
	resample(picture, source, l, s)
	return picture
}
