package imaging

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"time"

	"golang.org/x/image/webp"
)

// The extended header, which comes first where a file has one.
const (
	webpCanvasAt  = 24 // width and height less one, three bytes each
	webpCanvasEnd = 30
	webpFlagsAt   = 20
	webpAnimation = 1 << 1
	webpAlpha     = 1 << 4
)

// webpStill is what a file shows: its picture, or an animation's first frame.
type webpStill struct {
	alpha  []byte // payload of ALPH: the transparency of a lossy picture; nil: none
	lossy  []byte // payload of VP8; nil: it is lossless
	packed []byte // payload of VP8L
	place  image.Point
	canvas image.Point // its size; 0: that of the picture
	opaque bool        // what transparency there is is not shown
}

// webpStillOf finds the picture's data. Chunks that are of no use here are passed over,
// which the library does not for all of them.
func webpStillOf(data []byte) (webpStill, error) {
	const least = 12
	var still webpStill
	if len(data) < least {
		return still, errors.New("webp: no chunks")
	}
	animated, chunks := false, data[least:]
	if extended(data) {
		flags := data[webpFlagsAt]
		animated = flags&webpAnimation != 0
		still.opaque = flags&webpAlpha == 0
		still.canvas = image.Pt(uint24(data[webpCanvasAt:])+1, uint24(data[webpCanvasAt+3:])+1)
	}
	if animated {
		const head = 16 // place, size, duration, flags
		frame := riffChunk(data, "ANMF")
		if len(frame) < head {
			return still, errors.New("webp: an animation without a frame")
		}
		still.place = image.Pt(2*uint24(frame), 2*uint24(frame[3:]))
		chunks = frame[head:]
	}
	err := still.take(chunks)
	if still.opaque && still.lossy != nil {
		still.alpha = nil
	}
	still.opaque = still.opaque && animated // a lossless still says itself what it is
	return still, err
}

func extended(data []byte) bool {
	return len(data) >= webpCanvasEnd && string(data[12:16]) == "VP8X"
}

// take looks for the picture's chunks, of which the last may be cut off.
func (s *webpStill) take(chunks []byte) error {
	const header = 8
	for len(chunks) >= header {
		size := int64(binary.LittleEndian.Uint32(chunks[4:]))
		kind, payload := string(chunks[:4]), chunks[header:]
		payload = payload[:min(size, int64(len(payload)))]
		switch kind {
		case "ALPH":
			s.alpha = payload
		case "VP8 ":
			s.lossy = payload
			return nil
		case "VP8L":
			s.packed = payload
			s.alpha = nil
			return nil
		}
		chunks = chunks[min(int64(len(chunks)), header+size+size&1):]
	}
	return errors.New("webp: no picture among the chunks")
}

// file is the still as a file of its own, whose header agrees with what is in it.
func (s webpStill) file() []byte {
	var body []byte
	switch {
	case s.packed != nil:
		body = appendChunk(body, "VP8L", s.packed)
	case s.alpha != nil && s.lossySize() != (image.Point{}):
		size, head := s.lossySize(), make([]byte, 10)
		head[0] = webpAlpha
		put24(head[4:], size.X-1)
		put24(head[7:], size.Y-1)
		body = appendChunk(body, "VP8X", head)
		body = appendChunk(body, "ALPH", s.alpha)
		body = appendChunk(body, "VP8 ", s.lossy)
	default:
		body = appendChunk(body, "VP8 ", s.lossy)
	}
	return appendChunk(nil, "RIFF", append([]byte("WEBP"), body...))
}

// lossySize reads a lossy picture's sides; zero where there are none.
func (s webpStill) lossySize() image.Point {
	const sizeAt, end = 6, 10
	if len(s.lossy) < end {
		return image.Point{}
	}
	const sides = 1<<14 - 1
	size := image.Pt(int(binary.LittleEndian.Uint16(s.lossy[sizeAt:]))&sides, int(binary.LittleEndian.Uint16(s.lossy[sizeAt+2:]))&sides)
	if size.X == 0 || size.Y == 0 {
		return image.Point{}
	}
	return size
}

func appendChunk(to []byte, kind string, payload []byte) []byte {
	to = append(to, kind...)
	to = binary.LittleEndian.AppendUint32(to, uint32(len(payload)))
	to = append(to, payload...)
	if len(payload)%2 == 1 {
		to = append(to, 0)
	}
	return to
}

func put24(to []byte, v int) { to[0], to[1], to[2] = byte(v), byte(v>>8), byte(v>>16) }

func uint24(b []byte) int {
	return int(b[0]) | int(b[1])<<8 | int(b[2])<<16
}

// webpConfig reads the canvas itself where there is one: the library refuses a
// huge canvas without its size.
func webpConfig(data []byte) (image.Config, error) {
	still, err := webpStillOf(data)
	if err != nil && !extended(data) {
		return image.Config{}, err
	}
	if extended(data) {
		return image.Config{Width: still.canvas.X, Height: still.canvas.Y}, nil
	}
	return webp.DecodeConfig(bytes.NewReader(still.file()))
}

// checkWebP holds the picture to the canvas before memory is taken for it.
func checkWebP(header Header, data []byte) error {
	still, err := webpStillOf(data)
	if err != nil {
		return err
	}
	size, err := webp.DecodeConfig(bytes.NewReader(still.file()))
	if err != nil {
		return err
	}
	canvas := image.Rect(0, 0, header.Width, header.Height)
	if !image.Rect(0, 0, size.Width, size.Height).Add(still.place).In(canvas) {
		return fmt.Errorf("webp: a picture of %dx%d pixels at %v, the canvas has %dx%d", size.Width, size.Height, still.place, header.Width, header.Height)
	}
	return nil
}

// decodeWebP decodes the still. What an animation's first frame leaves of the canvas is
// transparent, whatever background the file names, as libwebp has it.
func decodeWebP(t task, from *source) (image.Image, error) {
	still, err := webpStillOf(t.data)
	if err != nil {
		return nil, err
	}
	from.data = still.file()
	decoded, err := webp.Decode(from)
	if err != nil {
		return nil, err
	}
	noAlpha := still.opaque || len(still.packed) > 4 && still.packed[4]&losslessAlpha == 0
	if m, ok := decoded.(*image.NRGBA); ok && noAlpha {
		makeOpaque(m)
	}
	size := image.Pt(t.header.Width, t.header.Height)
	if decoded.Bounds().Size() == size {
		return decoded, nil
	}
	return still.onCanvas(decoded, size), nil
}

// onCanvas copies the decoded frame to its place.
func (s webpStill) onCanvas(decoded image.Image, size image.Point) *image.NRGBA {
	canvas := image.NewNRGBA(image.Rectangle{Max: size})
	width, height := decoded.Bounds().Dx(), decoded.Bounds().Dy()
	read := readerOf(decoded, WebP, look{alpha: DropAlpha})
	row := make([]byte, 3*width)
	for y := range height {
		read(row, y, 0, width)
		to := canvas.Pix[canvas.PixOffset(s.place.X, s.place.Y+y):]
		for x := range width {
			copy(to[4*x:4*x+3], row[3*x:3*x+3])
			to[4*x+3] = alphaAt(decoded, x, y)
		}
	}
	if s.opaque {
		makeOpaque(canvas)
	}
	return canvas
}

// alphaAt is the transparency of a pixel in the types that the library returns.
func alphaAt(m image.Image, x, y int) byte {
	switch m := m.(type) {
	case *image.NYCbCrA:
		return m.A[m.AOffset(x, y)]
	case *image.NRGBA:
		return m.Pix[m.PixOffset(x, y)+3]
	}
	return 0xff
}

// losslessAlpha says in a lossless picture's fifth byte that it has transparency; its
// pixels carry numbers for it all the same.
const losslessAlpha = 1 << 4

func makeOpaque(m *image.NRGBA) {
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 0xff
	}
}

// webpCost counts the picture, which is as large as the canvas at most, and the canvas
// where the picture is copied to it.
func webpCost(h Header, data []byte) (Cost, error) {
	still, err := webpStillOf(data)
	if err != nil {
		return Cost{}, err
	}
	pixels := int64(h.Width) * int64(h.Height)
	if still.packed != nil {
		cost := losslessCost(pixels, still.packed)
		cost.Bytes += int64(len(data))
		if still.canvas != (image.Point{}) {
			cost = sum(cost, bytesCost(4*pixels)) // an animation's canvas
		}
		return cost, nil
	}
	lossy := int64((h.Width+15)/16*16) * int64((h.Height+15)/16*16) * 3 / 2
	cost := Cost{Bytes: lossy + 2*int64(len(data)), Work: time.Duration(pixels) * webpWork}
	const packed = 1 // of the alpha's first byte, two bits
	if len(still.alpha) > 0 {
		cost.Bytes += pixels
		if still.alpha[0]&3 == packed {
			cost = sum(cost, losslessCost(pixels, data))
		}
	}
	if still.lossySize() != image.Pt(h.Width, h.Height) {
		cost = sum(cost, bytesCost(4*pixels)) // the canvas
	}
	return cost, nil
}

// losslessCost counts the pixels, their copy where a palette is expanded, the
// pictures of tiles that choose a transform or a code, one pixel for 4x4, and the
// codes, of which the decoder takes 2600.
func losslessCost(pixels int64, data []byte) Cost {
	const (
		tile      = 16       // pixels
		codes     = 2600     // groups of five
		codeBytes = 56 << 10 // of a group at its largest
		codeBits  = 20       // that name a group at its smallest
	)
	groups := min(codes, pixels/tile+1, int64(len(data))*8/codeBits+1)
	return Cost{
		Bytes: 2*4*pixels + 3*4*pixels/tile + groups*codeBytes,
		Work:  time.Duration(pixels) * losslessWork,
	}
}
