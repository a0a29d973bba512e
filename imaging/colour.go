package imaging

import (
	"bytes"
	"image"
	"math"
	"sync"

	"siamese/imaging/internal/heif"
	"siamese/imaging/internal/icc"
	"siamese/imaging/internal/jpegfile"
	"siamese/imaging/internal/tifftags"
)

// colourOf returns the transform from an image's colours to sRGB; nil where they are
// that already, where nothing is told of them, and where what is told is broken or does
// not fit the image: then colours are shown as they are stored. profile is how many
// bytes were read for it.
//
// A PNG's code points go before its profile, those of HEIC and AVIF after it. CMYK is
// mixed without its profile, as Pillow mixes it. A profile of RGB fits gray pixels, too,
// one of gray only those.
func (p *Preparer) colourOf(format Format, data []byte) (colour *icc.Transform, profile int) {
	if format == PNG {
		if primaries, transfer, ok := codePoints(data); ok {
			return icc.FromCodePoints(primaries, transfer), 0
		}
	}
	found, primaries, transfer := profileOf(format, data), byte(0), byte(0)
	if format == HEIC || format == AVIF {
		found, primaries, transfer = heifColours(data)
	}
	if found == nil {
		return icc.FromCodePoints(primaries, transfer), 0
	}
	colour = p.profiles.transform(found)
	if colour != nil && colour.Gray() && !isGray(format, data) {
		colour = nil
	}
	return colour, len(found)
}

// heifColours returns what HEIC and AVIF tell of their colours: a profile, or numbers
// for primaries and transfer function, 0 where there are none or a profile goes before.
func heifColours(data []byte) (profile []byte, primaries, transfer byte) {
	p, err := heif.Parse(data)
	switch {
	case err != nil: // the header was read before: told there
		return nil, 0, 0
	case p.ICC != nil && len(p.ICC) <= maxProfile:
		return p.ICC, 0, 0
	case p.NCLX != nil && p.NCLX.Primaries <= math.MaxUint8 && p.NCLX.Transfer <= math.MaxUint8:
		return nil, byte(p.NCLX.Primaries), byte(p.NCLX.Transfer)
	}
	return nil, 0, 0
}

// isGray reports whether an image has one channel of colour.
func isGray(format Format, data []byte) bool {
	switch format {
	case JPEG:
		return jpegfile.Read(data).Components == 1
	case PNG:
		const colourAt, alphaToo = 9, 4
		ihdr := pngChunk(data, "IHDR")
		return len(ihdr) > colourAt && (ihdr[colourAt] == 0 || ihdr[colourAt] == alphaToo)
	case TIFF:
		_, told := tifftags.Find(data, tifftags.TagPhotometric)
		return told && tifftags.First(data, tifftags.TagPhotometric) <= tifftags.BlackIsZero
	case HEIC, AVIF:
		p, err := heif.Parse(data)
		return err == nil && p.Colour.Gray
	}
	return false
}

// Bounds of profiles: few profiles make most pictures, and all of those are small.
const (
	keptProfiles    = 8
	keptProfileSize = 64 << 10
)

// profiles keeps what was read of the last profiles: reading one takes as long as
// decoding a small picture. It is safe for concurrent use.
type profiles struct {
	mu   sync.Mutex // guards kept
	kept []keptProfile
}

type keptProfile struct {
	data   []byte
	colour *icc.Transform // nil: sRGB, or broken
}

// transform reads a profile; nil where it changes nothing or is broken.
func (p *profiles) transform(data []byte) *icc.Transform {
	if kept, ok := p.find(data); ok {
		return kept
	}
	colour, err := icc.New(data)
	if err != nil {
		colour = nil // the image itself is fine
	}
	if len(data) <= keptProfileSize {
		p.keep(keptProfile{data: bytes.Clone(data), colour: colour})
	}
	return colour
}

func (p *profiles) find(data []byte) (*icc.Transform, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.kept {
		if bytes.Equal(k.data, data) {
			return k.colour, true
		}
	}
	return nil, false
}

// keep puts a profile in the place of the oldest.
func (p *profiles) keep(k keptProfile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) == keptProfiles {
		p.kept = append(p.kept[:0], p.kept[1:]...)
	}
	p.kept = append(p.kept, k)
}

// colouredRows reads samples of 8 bits, turns them into sRGB, and only then lays them
// on white: a profile says nothing of transparency.
func colouredRows(decoded image.Image, format Format, l look) rowReader {
	read := readerOf(decoded, format, look{alpha: DropAlpha})
	if read == nil {
		return nil
	}
	read = turned(read, l.colour)
	veil := alphaRows(decoded)
	if veil == nil || l.alpha == DropAlpha {
		return read
	}
	return func(dst []byte, y, x0, x1 int) {
		read(dst, y, x0, x1)
		for x := x0; x < x1; x++ {
			p := dst[(x-x0)*3 : (x-x0)*3+3]
			c := flatten(p[0], p[1], p[2], veil(x, y), l.alpha)
			copy(p, c[:])
		}
	}
}

// turned reads pixels without transparency, and turns them into sRGB.
func turned(read rowReader, colour *icc.Transform) rowReader {
	return func(dst []byte, y, x0, x1 int) {
		read(dst, y, x0, x1)
		colour.Apply8(dst[:(x1-x0)*3])
	}
}

// alphaRows gives access to the transparency of samples of 8 bits; nil where there is
// none.
func alphaRows(decoded image.Image) func(x, y int) byte {
	switch m := decoded.(type) {
	case *image.NRGBA:
		return func(x, y int) byte { return m.Pix[y*m.Stride+x*4+3] }
	case *image.RGBA:
		return func(x, y int) byte { return m.Pix[y*m.Stride+x*4+3] }
	case *image.NYCbCrA:
		return func(x, y int) byte { return m.A[y*m.AStride+x] }
	}
	return nil
}
