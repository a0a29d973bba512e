package imaging

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"time"
)

func jpegConfig(data []byte) (image.Config, error) { return jpeg.DecodeConfig(bytes.NewReader(data)) }

func decodeJPEG(_ task, from *source) (image.Image, error) { return jpeg.Decode(from) }

// maxScans bounds the passes of a JPEG. Encoders write 1 to about 20; libjpeg-turbo
// gives up beyond 500 (TJFLAG_LIMITSCANS), and browsers draw no more than the first
// few of a slow one. Each pass visits every block of its components but can be a few
// bytes long, so that without a bound a file of 7 MiB keeps a core busy for many
// minutes.
const maxScans = 64

// jpegCost counts the planes of the decoded image, the coefficients of a progressive
// one, four bytes each until the last scan, and the copy in other colours.
func jpegCost(_ Header, data []byte) (Cost, error) {
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
