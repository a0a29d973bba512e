package png

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"image"
	"image/png"
	"io"
)

// Restore decodes an image that is not sound: what the library would refuse is left out
// on the way to it. It asks while it reads whether to go on; an error of ask ends it.
func (h Header) Restore(ask func() error) (image.Image, error) {
	unpacked, err := zlib.NewReader(&pixelReader{rest: h.pixels})
	if err != nil && h.apple {
		return nil, errors.New("png: pixels in Apple's CgBI variant, which only iOS shows, are not supported; expected a standard PNG")
	}
	if err != nil {
		return nil, fmt.Errorf("png: %w", err)
	}
	w := &rewriter{unpacked: unpacked, left: h.Unpacked(), ask: ask, sum: adler32.New()}
	w.out.WriteString(Signature)
	w.writeHeader(h)
	return png.Decode(w)
}

// pixelReader joins the bodies of chunks of pixels that follow each other. Their
// checksums are not looked at.
type pixelReader struct {
	body, rest []byte
}

// Read implements io.Reader.
func (r *pixelReader) Read(p []byte) (int, error) {
	for len(r.body) == 0 {
		c, rest, ok := takeChunk(r.rest, false)
		if !ok || c.kind != "IDAT" {
			return 0, io.EOF
		}
		r.body, r.rest = c.body, rest
	}
	n := copy(p, r.body)
	r.body = r.body[n:]
	return n, nil
}

// pieceBytes is how much is unpacked at a time; a stored block holds up to 65535.
const pieceBytes = 32 << 10

// rewriter is a PNG that is written while it is read, its pixels packed as they are:
// as many as the header announces, whatever follows them.
type rewriter struct {
	unpacked io.Reader
	left     int64 // bytes of pixels that are still to come
	ask      func() error
	sum      interface {
		io.Writer
		Sum32() uint32
	}
	begun, ended bool
	out          bytes.Buffer // not yet read
	piece        [pieceBytes]byte
	body         []byte // of a chunk, kept for the next one
}

// Read implements io.Reader.
func (w *rewriter) Read(p []byte) (int, error) {
	for w.out.Len() == 0 {
		if w.ended {
			return 0, io.EOF
		}
		if err := w.ask(); err != nil {
			return 0, err
		}
		if err := w.next(); err != nil {
			return 0, err
		}
	}
	return w.out.Read(p)
}

// next writes a block of pixels in a chunk of its own.
func (w *rewriter) next() error {
	w.out.Reset()
	n := int(min(w.left, pieceBytes))
	if _, err := io.ReadFull(w.unpacked, w.piece[:n]); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("png: the pixels end before the last one")
		}
		return err
	}
	_, _ = w.sum.Write(w.piece[:n]) // a hash takes all
	w.left -= int64(n)
	if w.ended = w.left == 0; w.ended && w.broken() {
		return zlib.ErrChecksum
	}
	body := w.body[:0]
	if !w.begun {
		body = append(body, 0x78, 0x01) // deflate in a window of 32 KiB, fast
		w.begun = true
	}
	body = append(body, byte(btoi(w.ended)))
	body = binary.LittleEndian.AppendUint16(body, uint16(n))
	body = binary.LittleEndian.AppendUint16(body, ^uint16(n))
	body = append(body, w.piece[:n]...)
	if w.ended {
		body = binary.BigEndian.AppendUint32(body, w.sum.Sum32())
	}
	w.body = body
	w.writeChunk("IDAT", body)
	if w.ended {
		w.writeChunk("IEND", nil)
	}
	return nil
}

// broken reports whether the pixels are followed at once by a checksum that says
// that they are not those that were packed. More pixels, or no whole checksum, say nothing.
func (w *rewriter) broken() bool {
	var next [1]byte
	_, err := w.unpacked.Read(next[:])
	return err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
}

func (w *rewriter) writeHeader(h Header) {
	body := binary.BigEndian.AppendUint32(nil, uint32(h.Width))
	body = binary.BigEndian.AppendUint32(body, uint32(h.Height))
	w.writeChunk("IHDR", append(body, byte(h.Depth), h.kind, 0, 0, byte(btoi(h.Interlaced))))
	if len(h.palette) > 0 {
		w.writeChunk("PLTE", h.palette)
	}
	if len(h.key) > 0 {
		w.writeChunk("tRNS", h.key)
	}
}

func (w *rewriter) writeChunk(kind string, body []byte) {
	var number [4]byte
	binary.BigEndian.PutUint32(number[:], uint32(len(body)))
	w.out.Write(number[:])
	sum := crc32.Update(crc32.ChecksumIEEE([]byte(kind)), crc32.IEEETable, body)
	w.out.WriteString(kind)
	w.out.Write(body)
	binary.BigEndian.PutUint32(number[:], sum)
	w.out.Write(number[:])
}
