package imaging

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// jpegFrame is the frame of a JPEG, with what its scans have visited and what tells
// by which decoder it is read.
type jpegFrame struct {
	refused       string // what of the frame no decoder here takes; "": nothing
	progressive   bool
	arithmetic    bool
	width, height int64
	components    int
	ids           [4]byte
	across, down  [4]int64 // sampling factors as they are written
	table         [4]byte  // of quantization, for each component
	samples       [4]int64 // of each component, filled up to whole blocks
	all           int64    // the sum of samples

	scans    int
	single   bool  // some scan has one component of several
	partial  bool  // the first scan has not all components
	visited  int64 // samples, once for each scan that has them
	restart  bool  // there are restart intervals
	huffman  bool  // there are tables
	tables   byte  // of quantization that are there, a bit for each
	late     bool  // tables of quantization change between scans
	complete bool  // the end's marker is there

	jfif, lastJFIF bool // some segment, and the last of its kind, is JFIF's
	adobe          bool
	transform      byte // Adobe's, where there is one
}

func (f *jpegFrame) pixels() int64 { return f.width * f.height }

// readJPEG walks over the segments. What is broken is left to the decoders.
func readJPEG(data []byte) jpegFrame {
	var f jpegFrame
	for marker, payload := range jpegSegments(data) {
		switch {
		case marker == markerEOI:
			f.complete = true
		case marker == markerSOS:
			f.scan(payload)
		case isFrame(marker):
			f.begin(marker, payload)
		case marker == markerDHT:
			f.huffman = true
		case marker == markerDQT:
			f.quantize(payload)
		case marker == markerDRI:
			f.restart = f.restart || len(payload) >= 2 && binary.BigEndian.Uint16(payload) > 0
		case marker == markerAPP0:
			f.lastJFIF = bytes.HasPrefix(payload, jfifStart)
			f.jfif = f.jfif || f.lastJFIF && len(payload) >= jfifBytes
		case marker == markerAPP14 && len(payload) >= adobeBytes && bytes.HasPrefix(payload, adobeStart):
			f.adobe, f.transform = true, payload[adobeBytes-1]
		}
	}
	return f
}

// How long the segments are that say in which colours the samples are.
const (
	jfifBytes  = 14
	adobeBytes = 12
)

var jfifStart, adobeStart = []byte("JFIF\x00"), []byte("Adobe")

// isFrame reports whether a segment begins a frame: of SOF0 to SOF15 all but those
// that stand for tables (DHT, DAC) or are reserved (JPG).
func isFrame(marker byte) bool {
	return marker >= markerSOF0 && marker <= markerSOF15 && marker != markerDHT && marker != markerJPG && marker != markerDAC
}

// begin reads the frame's head, the first one alone: the decoders refuse another.
func (f *jpegFrame) begin(marker byte, payload []byte) {
	const head, each = 6, 3
	if f.components > 0 || f.refused != "" || len(payload) < head {
		return
	}
	components := int(payload[5])
	if f.refused = refusedFrame(marker, payload[0], components); f.refused != "" || len(payload) < head+each*components {
		return
	}
	f.height, f.width = int64(binary.BigEndian.Uint16(payload[1:])), int64(binary.BigEndian.Uint16(payload[3:]))
	f.components = components
	f.progressive = marker == markerSOF2 || marker == markerSOF10
	f.arithmetic = marker == markerSOF9 || marker == markerSOF10
	for i := range components {
		field := payload[head+each*i:]
		f.ids[i], f.across[i], f.down[i], f.table[i] = field[0], int64(field[1]>>4), int64(field[1]&0xf), field[2]
	}
	f.countSamples()
}

// refusedFrame says what is special about a frame that is left out; "": nothing.
func refusedFrame(marker, bits byte, components int) string {
	switch {
	case marker == markerSOF3 || marker == markerSOF11:
		return "a lossless JPEG"
	case !slices.Contains([]byte{markerSOF0, markerSOF1, markerSOF2, markerSOF9, markerSOF10}, marker):
		return "a hierarchical or lossless JPEG"
	case bits != 8:
		return fmt.Sprintf("a JPEG of %d bits a sample", bits)
	case components != 1 && components != 3 && components != 4:
		return fmt.Sprintf("a JPEG of %d components", components)
	}
	return ""
}

// countSamples counts those of each component: whole units, of blocks as many as the
// sampling factors say; of a single component always one.
func (f *jpegFrame) countSamples() {
	units := unitsOf(f.width, slices.Max(f.across[:])) * unitsOf(f.height, slices.Max(f.down[:]))
	if f.components == 1 {
		units = unitsOf(f.width, 1) * unitsOf(f.height, 1)
	}
	for i := range f.components {
		f.samples[i] = 64 * units
		if f.components > 1 {
			f.samples[i] *= f.across[i] * f.down[i]
		}
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
	if f.scans++; len(payload) == 0 {
		return
	}
	count := int(payload[0])
	f.single = f.single || count == 1 && f.components > 1
	f.partial = f.partial || f.scans == 1 && count < f.components
	selectors := payload[1:]
	for range count {
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

// quantize notes which tables a segment brings.
func (f *jpegFrame) quantize(payload []byte) {
	f.late = f.late || f.scans > 0
	for len(payload) > 0 {
		f.tables |= 1 << (payload[0] & 7)
		size := 1 + 64*(1+int(payload[0]>>4))
		payload = payload[min(size, len(payload)):]
	}
}
