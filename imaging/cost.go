package imaging

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Cost is what preparing an image takes, told from its header and structure before
// a pixel is decoded.
type Cost struct {
	// Bytes bounds the memory beside the encoded bytes, in bytes: what decoder, turn
	// and resize take together, were none of it collected before the end.
	Bytes int64

	// Work is about how long one core of a server takes. It compares images with each
	// other; it is no promise of time.
	Work time.Duration
}

// Rates of the decoders on one core at 2.1 GHz, measured with BenchmarkCost. A sample
// is one number of one channel.
const (
	jpegSampleWork = 10 * time.Nanosecond  // entropy decoding and transform of a sample
	jpegVisitWork  = 3 * time.Nanosecond   // a scan's visit to a sample of a progressive JPEG
	byteWork       = 8 * time.Nanosecond   // a byte that is unpacked, filtered and stored
	webpWork       = 30 * time.Nanosecond  // a pixel of a lossy WebP
	losslessWork   = 150 * time.Nanosecond // a pixel of a lossless WebP with all transforms
	pixelWork      = 5 * time.Nanosecond   // a pixel that is resized
	blockWork      = 20 * time.Microsecond // a strip or tile of a TIFF, with what unpacks it
)

// fixedBytes is what a decoder takes besides pixels: tables, windows and buffers.
const fixedBytes = 1 << 20

// cost returns what decoding takes; turn and resize are not in it.
func (h Header) cost(data []byte) (Cost, error) {
	pixels := int64(h.Width) * int64(h.Height)
	switch h.Format {
	case JPEG:
		return jpegCost(data)
	case PNG:
		return pngCost(pixels, data), nil
	case GIF: // a palette's indices, and once more where rows are interlaced
		return bytesCost(2 * pixels), nil
	case BMP:
		return bytesCost(4 * pixels), nil
	case TIFF:
		return tiffCost(h, data), nil
	case WebP:
		return webpCost(h, data), nil
	}
	return Cost{}, nil
}

func bytesCost(bytes int64) Cost {
	return Cost{Bytes: bytes, Work: time.Duration(bytes) * byteWork}
}

// fitCost adds what turning and resizing take.
func (p *Preparer) fitCost(decoding Cost, width, height int, turn orientation) Cost {
	pixels := int64(width) * int64(height)
	l := p.config.layout(turn.size(width, height))
	_, rows := turn.size(width, height)
	decoding.Bytes += fixedBytes + 3*int64(rows)*int64(l.width) + 3*int64(p.config.Width)*int64(p.config.Height)
	decoding.Work += time.Duration(pixels) * pixelWork
	if turn != upright {
		decoding.Bytes += 3 * pixels
		decoding.Work += time.Duration(pixels) * pixelWork
	}
	return decoding
}

// jpegCost counts the planes of the decoded image, the coefficients of a progressive
// one, four bytes each until the last scan, and the copy in other colours.
func jpegCost(data []byte) (Cost, error) {
	f := jpegFrame{data: data}
	scans := 0
	for marker, payload := range jpegSegments(data) {
		switch {
		case marker == markerSOS:
			scans++
			f.scan(payload)
		case isFrame(marker):
			f.begin(marker, payload)
		case marker == markerAPP14:
			const transformAt, none = 11, 0
			f.isRGB = f.isRGB || len(payload) > transformAt && payload[transformAt] == none
		}
		if scans > maxScans {
			return Cost{}, undecodable(JPEG, fmt.Sprintf("more than %d scans", maxScans))
		}
	}
	cost := Cost{Bytes: f.all + shrunkBytes*f.pixels, Work: time.Duration(f.all) * jpegSampleWork}
	if f.progressive {
		cost.Bytes += 4 * f.all
		cost.Work += time.Duration(f.visited) * jpegVisitWork
	}
	if f.components == 4 || f.components == 3 && (f.isRGB || string(f.ids[:3]) == "RGB") {
		cost.Bytes += 4 * f.pixels
		cost.Work += time.Duration(f.pixels) * pixelWork
	}
	return cost, nil
}

// jpegFrame is the frame of a JPEG, with what its scans have visited.
type jpegFrame struct {
	data        []byte
	progressive bool
	isRGB       bool // Adobe's marker says so, of three components
	components  int
	pixels      int64
	ids         [4]byte
	samples     [4]int64 // of each component, filled up to whole blocks
	all         int64    // the sum of samples
	visited     int64    // samples, once for each scan that has them
}

// isFrame reports whether a segment begins a frame that the decoder takes.
func isFrame(marker byte) bool {
	return marker == markerSOF0 || marker == markerSOF1 || marker == markerSOF2
}

// begin reads the frame's head, the first one alone: the decoder refuses another.
func (f *jpegFrame) begin(marker byte, payload []byte) {
	const head, each = 6, 3
	if f.components > 0 || len(payload) < head {
		return
	}
	height, width := int64(binary.BigEndian.Uint16(payload[1:])), int64(binary.BigEndian.Uint16(payload[3:]))
	components := int(payload[5])
	if components > len(f.ids) || len(payload) < head+each*components {
		return
	}
	f.components, f.pixels, f.progressive = components, width*height, marker == markerSOF2
	across, down := int64(1), int64(1) // blocks of a unit; of a single component always one
	for i := range components {
		field := payload[head+each*i:]
		h, v := int64(field[1]>>4), int64(field[1]&0xf)
		if components == 1 {
			h, v = 1, 1
		}
		if i == 0 {
			across, down = unitsOf(width, h), unitsOf(height, v)
		}
		f.ids[i], f.samples[i] = field[0], 64*h*v*across*down
		f.all += f.samples[i]
	}
}

// unitsOf is how many units of blocks cover the pixels.
func unitsOf(pixels, blocks int64) int64 {
	side := 8 * max(blocks, 1)
	return (pixels + side - 1) / side
}

// scan counts the samples of the scan's components.
func (f *jpegFrame) scan(payload []byte) {
	if len(payload) == 0 {
		return
	}
	selectors := payload[1:]
	for range payload[0] {
		if len(selectors) < 2 {
			return
		}
		for i := range f.components {
			if f.ids[i] == selectors[0] {
				f.visited += f.samples[i]
			}
		}
		selectors = selectors[2:]
	}
}

// pngCost counts the image in the type that the decoder chooses. An interlaced one
// is there a second time, as its seven passes.
func pngCost(pixels int64, data []byte) Cost {
	const depthAt, colourAt, interlaceAt = 8, 9, 12
	ihdr := pngChunk(data, "IHDR") // its length was checked
	bytes := map[byte]int64{0: 1, 2: 4, 3: 1, 4: 4, 6: 4}[ihdr[colourAt]]
	if bytes == 1 && ihdr[colourAt] == 0 && pngChunk(data, "tRNS") != nil {
		bytes = 4
	}
	if ihdr[depthAt] == 16 {
		bytes *= 2
	}
	if ihdr[interlaceAt] != 0 {
		bytes *= 2
	}
	return bytesCost(bytes * pixels)
}

// tiffCost counts the image and the largest strip or tile, which is unpacked into a
// buffer that doubles as it grows: up to three times what the decoder lets it become,
// eight bytes a pixel.
func tiffCost(h Header, data []byte) Cost {
	const limit, growth = 8, 3
	pixels := int64(h.Width) * int64(h.Height)
	bytes := int64(1)
	if firstValue(data, tagPhotometric) == photometricRGB {
		bytes = 4
	}
	if firstValue(data, tagBitsPerSample) == 16 {
		bytes *= 2
	}
	width, height := int64(h.Width), int64(h.Height) // of a block
	if rows := firstValue(data, tagRowsPerStrip); rows > 0 && rows < height {
		height = rows
	}
	if tile := firstValue(data, tagTileWidth); tile > 0 {
		width, height = tile, max(firstValue(data, tagTileLength), 1)
	}
	blocks := (int64(h.Width) + width - 1) / width * ((int64(h.Height) + height - 1) / height)
	unpacked := limit * width * height
	switch firstValue(data, tagCompression) {
	case 0, compressionNone:
		unpacked = min(unpacked, int64(len(data)))
	case compressionDeflate, compressionDeflateOld:
		unpacked = min(unpacked, deflateRatio*int64(len(data)))
	}
	cost := bytesCost(bytes * pixels)
	const place = 2 * (8 + 4) // of a block in the file: where, and how long
	cost.Bytes += growth*unpacked + place*min(blocks, int64(len(data)))
	cost.Work += time.Duration(min(limit*pixels, max(unpacked, bytes*pixels)))*byteWork + time.Duration(blocks)*blockWork
	return cost
}

// webpCost tells lossy from lossless by the chunks that are there. The decoder takes
// the first image that it finds: where there are both, the dearer one counts.
func webpCost(h Header, data []byte) Cost {
	pixels := int64(h.Width) * int64(h.Height)
	lossy := int64((h.Width+15)/16*16) * int64((h.Height+15)/16*16) * 3 / 2
	cost := Cost{Bytes: lossy + int64(len(data)), Work: time.Duration(pixels) * webpWork}
	const packed = 1 // of the alpha's first byte, two bits
	if alpha := riffChunk(data, "ALPH"); len(alpha) > 0 {
		cost.Bytes += pixels
		if alpha[0]&3 == packed {
			cost = sum(cost, losslessCost(pixels, data))
		}
	}
	if riffChunk(data, "VP8L") != nil {
		lossless := losslessCost(pixels, data)
		cost.Bytes, cost.Work = max(cost.Bytes, lossless.Bytes), max(cost.Work, lossless.Work)
	}
	return cost
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

func sum(a, b Cost) Cost { return Cost{Bytes: a.Bytes + b.Bytes, Work: a.Work + b.Work} }
