package chaos_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"testing"

	"golang.org/x/image/bmp"
)

// bomb is a picture that is small to send and large to decode.
type bomb struct {
	name string
	give []byte
}

// bombs are whole files where an encoder makes them, and headers written by hand
// where none would.
func bombs(t *testing.T) []bomb {
	t.Helper()
	const side = 50_000
	flat := image.NewPaletted(image.Rect(0, 0, 6000, 6000), color.Palette{color.Black, color.White})
	long := image.NewPaletted(image.Rect(0, 0, 20_000, 2000), flat.Palette)
	return []bomb{
		{"png, 36 megapixels, whole", encodeBomb(t, png.Encode, flat)},
		{"png, 40 megapixels, whole", encodeBomb(t, png.Encode, long)},
		{"gif, 36 megapixels, whole", encodeBomb(t, toGIF, flat)},
		{"bmp, rows missing", encodeBomb(t, bmp.Encode, flat)[:4096]},
		{"png of 10 gigabytes", pngBomb(side, side, 16)},
		{"png of the largest sides", pngBomb(1<<31-1, 1<<31-1, 8)},
		{"png of a hair's shape", pngBomb(side, 2, 8)},
		{"png that ends in its first rows", pngBomb(5000, 5000, 8)},
		{"png of 16 bits that ends in its first rows", pngBomb(5000, 5000, 16)},
		{"gif", gifBomb(side, side, side, side)},
		{"gif frame larger than its screen", gifBomb(64, 64, side, side)},
		{"jpeg", jpegBomb(side, side)},
		{"jpeg of two headers", append(jpegBomb(64, 64), jpegBomb(side, side)[2:]...)},
		{"jpeg that ends in its first rows", encodeBomb(t, toJPEG, image.NewGray(image.Rect(0, 0, 5000, 5000)))[:2000]},
		{"tiff", tiffBomb(side, side)},
		{"tiff that ends in its first rows", tiffBomb(5000, 5000)},
		{"webp", webpBomb(16_384, 16_384)},
		{"webp that ends in its first rows", webpBomb(5000, 5000)},
	}
}

func encodeBomb(t *testing.T, encode func(io.Writer, image.Image) error, picture image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func toGIF(w io.Writer, picture image.Image) error { return gif.Encode(w, picture, nil) }

func toJPEG(w io.Writer, picture image.Image) error { return jpeg.Encode(w, picture, nil) }

// pngBomb is an RGBA PNG that ends in its first rows.
func pngBomb(width, height uint32, bits byte) []byte {
	chunk := func(kind string, payload []byte) []byte {
		body := append([]byte(kind), payload...)
		out := append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), body...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	}
	var rows bytes.Buffer
	w := zlib.NewWriter(&rows)
	_, _ = w.Write(make([]byte, 200_000)) // to memory
	_ = w.Close()
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, width), height)
	out := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, bits, 6, 0, 0, 0))...)
	return append(out, chunk("IDAT", rows.Bytes())...)
}

// gifBomb is a screen with the head of a frame.
func gifBomb(screenWidth, screenHeight, width, height uint16) []byte {
	le := binary.LittleEndian
	out := le.AppendUint16(le.AppendUint16([]byte("GIF89a"), screenWidth), screenHeight)
	out = append(out, 0, 0, 0, ',', 0, 0, 0, 0)
	out = le.AppendUint16(le.AppendUint16(out, width), height)
	return append(out, 0x80, 0, 0, 0, 255, 255, 255, 2, 0, ';')
}

// jpegBomb is a gray JPEG that ends in the head of its scan.
func jpegBomb(width, height uint16) []byte {
	be := binary.BigEndian
	out := append([]byte("\xff\xd8\xff\xc0\x00\x0b"), 8)
	out = be.AppendUint16(be.AppendUint16(out, height), width)
	return append(out, 1, 1, 0x11, 0, 0xff, 0xda, 0x00, 0x08)
}

// tiffBomb is an 8-bit gray TIFF of one strip of 16 bytes.
func tiffBomb(width, height uint32) []byte {
	le := binary.LittleEndian
	fields := [][2]uint32{{256, width}, {257, height}, {258, 8}, {259, 1}, {262, 1}, {273, 8}, {279, 16}}
	out := le.AppendUint16([]byte("II*\x00\x08\x00\x00\x00"), uint16(len(fields)))
	for _, f := range fields {
		out = le.AppendUint16(le.AppendUint16(out, uint16(f[0])), 4)
		out = le.AppendUint32(le.AppendUint32(out, 1), f[1])
	}
	return append(out, 0, 0, 0, 0)
}

// webpBomb is the head of a lossless WebP.
func webpBomb(width, height uint32) []byte {
	le := binary.LittleEndian
	payload := le.AppendUint32([]byte{0x2f}, width-1|(height-1)<<14)
	body := append(le.AppendUint32([]byte("WEBPVP8L"), uint32(len(payload))), append(payload, 0)...)
	return append(le.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}
