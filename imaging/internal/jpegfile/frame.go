package jpegfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// Frame is the frame of a JPEG, with what its scans visit and what tells by which decoder
// it is read. Numbers of samples count whole blocks.
type Frame struct {
	Refused       string // what of the frame no decoder here takes; "": nothing
	Progressive   bool
	Arithmetic    bool     // arithmetic coding
	Width, Height int64    // pixels
	Components    int      // 1, 3 or 4; 0 where there is no whole head of a frame
	Samples       int64    // of all components
	Down          [4]int64 // sampling factors of rows, as they are written

	Scans    int
	Visited  int64 // samples, once for each scan that has them
	Partial  bool  // the first scan has not all components
	Complete bool  // the end's marker is there

	ids     [4]byte
	across  [4]int64 // sampling factors of columns
	table   [4]byte  // of quantization, for each component
	samples [4]int64 // of each component

	single  bool // some scan has one component of several
	restart bool // there are restart intervals
	huffman bool // there are tables
	tables  byte // of quantization that are there, a bit for each
	late    bool // tables of quantization change between scans

	jfif, lastJFIF bool // some segment, and the last of its kind, is JFIF's
	adobe          bool
	transform      byte // Adobe's, where there is one
}

// Pixels is the number of pixels.
func (f *Frame) Pixels() int64 { return f.Width * f.Height }

// Read reads the whole file's structure.
func Read(data []byte) Frame {
	var f Frame
	for marker, payload := range Segments(data) {
		switch {
		case marker == EOI:
			f.Complete = true
		case marker == SOS:
			f.scan(payload)
		case isFrame(marker):
			f.begin(marker, payload)
		case marker == dht:
			f.huffman = true
		case marker == dqt:
			f.quantize(payload)
		case marker == dri:
			f.restart = f.restart || len(payload) >= 2 && binary.BigEndian.Uint16(payload) > 0
		case marker == app0:
			f.lastJFIF = bytes.HasPrefix(payload, jfifStart)
			f.jfif = f.jfif || f.lastJFIF && len(payload) >= jfifBytes
		case marker == app14 && len(payload) >= adobeBytes && bytes.HasPrefix(payload, adobeStart):
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
	return marker >= sof0 && marker <= sof15 && marker != dht && marker != jpg && marker != dac
}

// begin reads the frame's head, the first one alone: the decoders refuse another.
func (f *Frame) begin(marker byte, payload []byte) {
	const head, each = 6, 3
	if f.Components > 0 || f.Refused != "" || len(payload) < head {
		return
	}
	components := int(payload[5])
	if f.Refused = refusedFrame(marker, payload[0], components); f.Refused != "" || len(payload) < head+each*components {
		return
	}
	f.Height, f.Width = int64(binary.BigEndian.Uint16(payload[1:])), int64(binary.BigEndian.Uint16(payload[3:]))
	f.Components = components
	f.Progressive = marker == sof2 || marker == sof10
	f.Arithmetic = marker == sof9 || marker == sof10
	for i := range components {
		field := payload[head+each*i:]
		f.ids[i], f.across[i], f.Down[i], f.table[i] = field[0], int64(field[1]>>4), int64(field[1]&0xf), field[2]
	}
	f.countSamples()
}

// refusedFrame says what is special about a frame that is left out; "": nothing.
func refusedFrame(marker, bits byte, components int) string {
	switch {
	case marker == sof3 || marker == sof11:
		return "a lossless JPEG"
	case !slices.Contains([]byte{sof0, sof1, sof2, sof9, sof10}, marker):
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
func (f *Frame) countSamples() {
	units := unitsOf(f.Width, slices.Max(f.across[:])) * unitsOf(f.Height, slices.Max(f.Down[:]))
	if f.Components == 1 {
		units = unitsOf(f.Width, 1) * unitsOf(f.Height, 1)
	}
	for i := range f.Components {
		f.samples[i] = 64 * units
		if f.Components > 1 {
			f.samples[i] *= f.across[i] * f.Down[i]
		}
		f.Samples += f.samples[i]
	}
}

// unitsOf is how many units of blocks cover the pixels.
func unitsOf(pixels, blocks int64) int64 {
	side := 8 * max(blocks, 1)
	return (pixels + side - 1) / side
}

// scan counts the samples of the scan's components.
func (f *Frame) scan(payload []byte) {
	if f.Scans++; len(payload) == 0 {
		return
	}
	count := int(payload[0])
	f.single = f.single || count == 1 && f.Components > 1
	f.Partial = f.Partial || f.Scans == 1 && count < f.Components
	selectors := payload[1:]
	for range count {
		if len(selectors) < 2 {
			return
		}
		for i := range f.Components {
			if f.ids[i] == selectors[0] {
				f.Visited += f.samples[i]
			}
		}
		selectors = selectors[2:]
	}
}

// quantize notes which tables a segment brings.
func (f *Frame) quantize(payload []byte) {
	f.late = f.late || f.Scans > 0
	for len(payload) > 0 {
		f.tables |= 1 << (payload[0] & 7)
		size := 1 + 64*(1+int(payload[0]>>4))
		payload = payload[min(size, len(payload)):]
	}
}
