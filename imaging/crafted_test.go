package imaging_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
)

// Headers written by hand, of images that no encoder would make.

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

// pngChunk frames a payload as a PNG chunk.
func pngChunk(kind string, payload []byte) []byte {
	body := append([]byte(kind), payload...)
	out := be.AppendUint32(nil, uint32(len(payload)))
	out = append(out, body...)
	return be.AppendUint32(out, crc32.ChecksumIEEE(body))
}

// pngHeader is an RGB PNG that ends where its pixels should begin.
func pngHeader(width, height uint32) []byte {
	header := be.AppendUint32(be.AppendUint32(nil, width), height)
	header = append(header, 8, 2, 0, 0, 0)
	return append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", header)...)
}

// pngOf is an RGBA PNG with a hundred rows' worth of pixels, which pack well.
func pngOf(width, height uint32, bits byte) []byte {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, _ = w.Write(make([]byte, int(width)*400)) // to memory
	_ = w.Close()
	header := be.AppendUint32(be.AppendUint32(nil, width), height)
	out := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(header, bits, 6, 0, 0, 0))...)
	return append(out, pngChunk("IDAT", packed.Bytes())...)
}

// gifHeader is a logical screen with no frame.
func gifHeader(width, height uint16) []byte {
	out := le.AppendUint16(le.AppendUint16([]byte("GIF89a"), width), height)
	return append(out, 0, 0, 0, ';')
}

// gifFrame is a screen with the head of a frame of another size.
func gifFrame(screenWidth, screenHeight, width, height uint16) []byte {
	out := gifHeader(screenWidth, screenHeight)
	out = append(out[:len(out)-1], ',', 0, 0, 0, 0)
	out = le.AppendUint16(le.AppendUint16(out, width), height)
	return append(out, 0x80, 0, 0, 0, 255, 255, 255, 2, 0, ';')
}

// bmpHeader is a 24-bit BMP with no pixels.
func bmpHeader(width, height uint32) []byte {
	const headers = 54
	out := le.AppendUint32([]byte("BM"), headers)
	out = le.AppendUint32(append(out, 0, 0, 0, 0), headers)
	out = le.AppendUint32(le.AppendUint32(le.AppendUint32(out, 40), width), height)
	out = le.AppendUint16(le.AppendUint16(out, 1), 24)
	return append(out, make([]byte, headers-len(out))...)
}

const tiffLong = 4

// tiffField is one tag of a TIFF directory with values of 32 bits.
type tiffField struct {
	tag          uint16
	count, value uint32
}

// tiffDirectory is a TIFF file of one directory and no pixels.
func tiffDirectory(fields ...tiffField) []byte {
	out := le.AppendUint16([]byte("II*\x00\x08\x00\x00\x00"), uint16(len(fields)))
	for _, f := range fields {
		out = le.AppendUint16(le.AppendUint16(out, f.tag), tiffLong)
		out = le.AppendUint32(le.AppendUint32(out, f.count), f.value)
	}
	return append(out, 0, 0, 0, 0)
}

// tiffHeader is an 8-bit gray TIFF of one strip with no pixels.
func tiffHeader(width, height uint32) []byte {
	return tiffDirectory(tiffField{256, 1, width}, tiffField{257, 1, height}, tiffField{258, 1, 8},
		tiffField{259, 1, 1}, tiffField{262, 1, 1}, tiffField{273, 1, 8}, tiffField{279, 1, 16})
}

// tiffBlocks is a TIFF whose tag of byte counts has count values of size.
func tiffBlocks(tag uint16, count, size uint32) []byte {
	const values = 8 + 2 + 5*12 + 4 // behind the directory
	field := tiffField{tag, count, size}
	if count > 1 {
		field.value = values
	}
	out := tiffDirectory(tiffField{256, 1, 64}, tiffField{257, 1, 64}, tiffField{258, 1, 8}, tiffField{262, 1, 1}, field)
	for range count {
		out = le.AppendUint32(out, size)
	}
	return out
}

// jpegHeader is a gray JPEG that ends in the head of its scan.
func jpegHeader(width, height uint16) []byte {
	out := append([]byte("\xff\xd8\xff\xc0\x00\x0b"), 8)
	out = be.AppendUint16(be.AppendUint16(out, height), width)
	return append(out, 1, 1, 0x11, 0, 0xff, 0xda, 0x00, 0x08)
}

// jpegWithExif puts an EXIF block in front of a JPEG's other segments.
func jpegWithExif(encoded, block []byte) []byte {
	payload := append([]byte("Exif\x00\x00"), block...)
	out := append([]byte{}, encoded[:2]...)
	out = be.AppendUint16(append(out, 0xff, 0xe1), uint16(len(payload)+2))
	return append(append(out, payload...), encoded[2:]...)
}

// exifOrientation is a directory with the orientation as its only entry.
func exifOrientation(order binary.AppendByteOrder, value uint16) []byte {
	mark := "II"
	if order == binary.AppendByteOrder(be) {
		mark = "MM"
	}
	out := order.AppendUint32(order.AppendUint16([]byte(mark), 42), 8)
	out = order.AppendUint16(out, 1)
	out = order.AppendUint16(order.AppendUint16(out, 0x0112), 3)
	out = order.AppendUint16(order.AppendUint32(out, 1), value)
	return append(out, 0, 0, 0, 0, 0, 0)
}

// riff wraps chunks as a WebP file.
func riff(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), bytes.Join(chunks, nil)...)
	return append(le.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func riffChunk(kind string, payload []byte) []byte {
	out := append(le.AppendUint32([]byte(kind), uint32(len(payload))), payload...)
	return append(out, make([]byte, len(payload)%2)...)
}

func webpCanvas(width, height uint32, flags byte) []byte {
	payload := []byte{flags, 0, 0, 0}
	for _, side := range []uint32{width - 1, height - 1} {
		payload = append(payload, byte(side), byte(side>>8), byte(side>>16))
	}
	return riffChunk("VP8X", payload)
}

// webpLossless is the head of a lossless image.
func webpLossless(width, height uint32) []byte {
	return riffChunk("VP8L", le.AppendUint32([]byte{0x2f}, width-1|(height-1)<<14))
}

func animatedWebP() []byte {
	const animation = 1 << 1
	return riff(webpCanvas(64, 64, animation), riffChunk("ANIM", make([]byte, 6)))
}
