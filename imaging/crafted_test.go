package imaging_test

import (
	"bytes"
	"compress/lzw"
	"compress/zlib"
	"encoding/binary"
	"fmt"
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

// gifFrame is a screen with a frame of another size, of the packed pixels.
func gifFrame(screenWidth, screenHeight, width, height uint16, packed ...byte) []byte {
	out := gifHeader(screenWidth, screenHeight)
	out = append(out[:len(out)-1], ',', 0, 0, 0, 0)
	out = le.AppendUint16(le.AppendUint16(out, width), height)
	return append(append(append(out, 0x80, 0, 0, 0, 255, 255, 255, 2), packed...), 0, ';')
}

// farPixels are as many pixels, all of index 0, in codes that grow by a pixel each.
func farPixels(count int) []byte {
	var out bytes.Buffer
	w := lzw.NewWriter(&out, lzw.LSB, 2)
	_, _ = w.Write(make([]byte, count)) // to memory
	_ = w.Close()
	var blocks []byte
	for rest := out.Bytes(); len(rest) > 0; {
		n := min(len(rest), 255)
		blocks = append(append(blocks, byte(n)), rest[:n]...)
		rest = rest[n:]
	}
	return blocks
}

// bmpHeader is a 24-bit BMP with no pixels.
func bmpHeader(width, height uint32) []byte { return bmpOf(width, height, 24, 0, nil) }

// bmpOf is a BMP with what follows its headers. It does not say where the pixels are.
func bmpOf(width, height uint32, bits uint16, compression uint32, rest []byte) []byte {
	const headers = 54
	out := append(le.AppendUint32([]byte("BM"), headers), make([]byte, 8)...)
	out = le.AppendUint32(le.AppendUint32(le.AppendUint32(out, 40), width), height)
	out = le.AppendUint32(le.AppendUint16(le.AppendUint16(out, 1), bits), compression)
	return append(append(out, make([]byte, headers-len(out))...), rest...)
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

// jpegSegment frames a payload.
func jpegSegment(marker byte, payload ...byte) []byte {
	return append(be.AppendUint16([]byte{0xff, marker}, uint16(len(payload)+2)), payload...)
}

// progressiveJPEG is a progressive JPEG of three components, none subsampled, whose
// scans say nothing in a few bytes: runs of blocks without coefficients.
func progressiveJPEG(side uint16, scans int) []byte {
	out := append([]byte{0xff, 0xd8}, jpegSegment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)...)
	frame := be.AppendUint16(be.AppendUint16([]byte{8}, side), side)
	out = append(out, jpegSegment(0xc2, append(frame, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0)...)...)
	// One code of a single bit, for a run of 2^14 to 2^15-1 blocks.
	out = append(out, jpegSegment(0xc4, append([]byte{0x10, 1}, append(make([]byte, 15), 0xe0)...)...)...)
	blocks := (int(side) + 7) / 8 * ((int(side) + 7) / 8)
	// Each run is a 0 for the code and 14 bits for what it is longer than 2^14; the
	// blocks that are left after full runs are spread over the last two.
	const least, most = 1 << 14, 1<<15 - 1
	runs := (blocks + most - 1) / most
	var bits []byte
	for i := range runs {
		run := blocks/runs + min(1, max(0, blocks%runs-i))
		bits = fmt.Appendf(bits, "0%014b", run-least)
	}
	var packed []byte
	for len(bits)%8 != 0 {
		bits = append(bits, '1')
	}
	for at := 0; at < len(bits); at += 8 {
		b := byte(0)
		for _, bit := range bits[at : at+8] {
			b = b<<1 | (bit - '0')
		}
		if packed = append(packed, b); b == 0xff {
			packed = append(packed, 0)
		}
	}
	for i := range scans {
		depth := byte(0x01) // the first pass of a component leaves a bit for the second
		if i >= 3 {
			depth = 0x10
		}
		out = append(append(out, jpegSegment(0xda, 1, byte(i%3+1), 0, 1, 63, depth)...), packed...)
	}
	return append(out, 0xff, 0xd9)
}

// bitWriter writes bits as a lossless WebP has them: the least first.
type bitWriter struct {
	out  []byte
	used int // bits of the last byte
}

func (w *bitWriter) put(value, n int) {
	for range n {
		if w.used%8 == 0 {
			w.out, w.used = append(w.out, 0), 0
		}
		w.out[len(w.out)-1] |= byte(value&1) << w.used
		w.used++
		value >>= 1
	}
}

// codes writes five codes of a single symbol, which take no bits of the pixels.
func (w *bitWriter) codes(green int) {
	for _, symbol := range []int{green, 0, 0, 0, 0} {
		w.put(1, 1)
		w.put(0, 1)
		if symbol < 2 {
			w.put(0, 1)
			w.put(symbol, 1)
		} else {
			w.put(1, 1)
			w.put(symbol, 8)
		}
	}
}

// emptyWebP is a lossless WebP of a few bytes that goes through three transforms.
func emptyWebP(side int) []byte {
	w := &bitWriter{}
	w.put(0x2f, 8)
	w.put(side-1, 14)
	w.put(side-1, 14)
	w.put(1, 1)
	w.put(0, 3)
	for kind, green := range []int{11, 5} { // prediction by mode 11, colours by 5
		w.put(1, 1)
		w.put(kind, 2)
		w.put(7, 3)
		w.put(0, 1)
		w.codes(green)
	}
	w.put(1, 1)
	w.put(2, 2) // green is subtracted
	w.put(0, 3)
	w.codes(3)
	return riff(riffChunk("VP8L", w.out))
}

// interlacedPNG is a black interlaced PNG.
func interlacedPNG(side uint32, depth, colour byte, samples int) []byte {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	for _, pass := range [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
		across := (int(side) - pass[0] + pass[2] - 1) / pass[2]
		down := (int(side) - pass[1] + pass[3] - 1) / pass[3]
		_, _ = w.Write(make([]byte, down*(1+(across*samples*int(depth)+7)/8))) // to memory
	}
	_ = w.Close()
	header := append(be.AppendUint32(be.AppendUint32(nil, side), side), depth, colour, 0, 0, 1)
	out := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", header)...)
	return append(append(out, pngChunk("IDAT", packed.Bytes())...), pngChunk("IEND", nil)...)
}
