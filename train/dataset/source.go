package dataset

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"math"
	"slices"
	"sync/atomic"

	"siamese/imaging"
	"siamese/train/archive"
)

// maxHeldBytes bounds the encoded images held in memory: all of Omniglot is
// 5 MB, while photos in thousands are better left to the system's file cache.
const maxHeldBytes = 64 << 20

// source is where encoded images come from. It is safe for concurrent use.
type source struct {
	tree     *archive.Tree
	maxBytes int          // of one file; more is never read
	held     atomic.Int64 // encoded bytes in memory

	maxPixelBytes int64        // of decoded pictures in memory; below 1: none
	pixelBytes    atomic.Int64 // of them now
}

// openSource opens a folder or a zip file.
func openSource(path string, maxBytes int) (*source, error) {
	tree, err := archive.Open(path)
	if err != nil {
		return nil, err
	}
	return &source{tree: tree, maxBytes: maxBytes}, nil
}

func (s *source) close() error { return s.tree.Close() }

// closeIfHeld closes the source when nothing is left to be read from it.
func (s *source) closeIfHeld(files []*file) error {
	if slices.ContainsFunc(files, func(f *file) bool { return f.held == nil && f.pixels == nil }) {
		return nil
	}
	return s.close()
}

// file is one image's encoded bytes, or what should be an image. After Open it never changes.
type file struct {
	source *source
	path   string            // below the source's root, as its tree has it
	name   string            // the same for people: UTF-8, divided by "/", printable
	held   []byte            // the whole file, nil where pixels are held or it is read at need
	fault  error             // why it cannot be read, found by sniff or verify
	kind   string            // what it is in place of a picture, such as "HTML"; "" where its name tells
	sum    [sha256.Size]byte // of the whole file, found by verify

	pixels []byte // decoded and prepared: [H,W] where gray, else [H,W,3]; nil where it is decoded at need
	gray   bool   // all three channels are alike
}

// read gives the whole file; the caller must not change the bytes. Of a file over
// the limit it gives one byte more than the limit, which imaging then refuses.
func (f *file) read() ([]byte, error) {
	if f.held != nil {
		return f.held, nil
	}
	// Bounded, since the largest int stands for no limit.
	return f.head(min(int64(f.source.maxBytes), math.MaxInt64-1) + 1)
}

// head reads the first bytes of the file, at most n.
func (f *file) head(n int64) ([]byte, error) {
	reader, err := f.source.tree.Open(f.path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(reader, n))
	return data, errors.Join(err, reader.Close())
}

// hold keeps a copy of the bytes while there is room.
func (f *file) hold(data []byte) {
	size := int64(len(data))
	if f.source.held.Add(size) > maxHeldBytes {
		f.source.held.Add(-size)
		return
	}
	f.held = slices.Clone(data)
}

// decode checks that the file gives a picture, and keeps its pixels or else its
// bytes.
func (f *file) decode(p *imaging.Preparer) {
	if f.fault != nil {
		return
	}
	data, err := f.read()
	if err != nil {
		f.fault, f.kind = reason(err), "can't be read"
		return
	}
	f.sum = sha256.Sum256(data)
	picture, err := p.Prepare(data)
	if err != nil {
		f.fault, f.kind = err, kindOfFault(err)
		return
	}
	if !f.holdPixels(picture) {
		f.hold(data)
	}
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

// reason drops the path from a file's error, since it stands beside its name.
func reason(err error) error {
	var located *fs.PathError
	if errors.As(err, &located) {
		return located.Err
	}
	return err
}
