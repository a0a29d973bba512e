package heif

import (
	"encoding/binary"
	"fmt"
	"image"
	"math"
)

// Step is one thing that is done with the decoded pixels before they are shown.
// Exactly one of its fields is set.
type Step struct {
	Crop    image.Rectangle // what is left
	Quarter int             // quarter turns to the left: 1 to 3
	Mirror  Mirror
}

// Mirror says what a mirror swaps.
type Mirror int

// The mirrors.
const (
	TopAndBottom Mirror = 1 + iota
	LeftAndRight
)

// addSteps reads the steps from an item's properties, in whose order they are taken,
// and the size that they lead to.
func (p *Picture) addSteps(properties []box) error {
	for _, property := range properties {
		switch property.kind {
		case "clap":
			if err := p.crop(property.payload); err != nil {
				return err
			}
		case "irot":
			p.turn(property.payload)
		case "imir":
			p.mirror(property.payload)
		}
	}
	return nil
}

func (p *Picture) turn(payload []byte) {
	r := fields{rest: payload}
	quarter := int(r.u8() & 3)
	if quarter == 0 {
		return
	}
	p.Steps = append(p.Steps, Step{Quarter: quarter})
	if quarter%2 == 1 {
		p.Width, p.Height = p.Height, p.Width
	}
}

func (p *Picture) mirror(payload []byte) {
	r := fields{rest: payload}
	p.Steps = append(p.Steps, Step{Mirror: TopAndBottom + Mirror(r.u8()&1)})
}

// crop reads a clean aperture: its size, and how far its middle is from the
// picture's, in fractions. An AVIF's is not applied: Pillow and browsers show it whole.
func (p *Picture) crop(payload []byte) error {
	const length = 8 * 4
	if p.Colour.Codec == AV1 {
		return nil
	}
	if len(payload) < length {
		return fmt.Errorf("a clean aperture of %d bytes, expected %d", len(payload), length)
	}
	left, right, ok := span(payload[:8], payload[16:24], p.Width)
	top, bottom, also := span(payload[8:16], payload[24:32], p.Height)
	if !ok || !also {
		return fmt.Errorf("a clean aperture that is no part of %dx%d pixels", p.Width, p.Height)
	}
	p.Steps = append(p.Steps, Step{Crop: image.Rect(left, top, right, bottom)})
	p.Width, p.Height = right-left, bottom-top
	return nil
}

// span is the part of a side that is left.
func span(size, offset []byte, side int) (from, to int, ok bool) {
	sizeOver, sizeUnder := int64(binary.BigEndian.Uint32(size)), int64(binary.BigEndian.Uint32(size[4:]))
	// The offset may be negative, and so is either of its parts in some files.
	offsetOver, offsetUnder := int64(int32(binary.BigEndian.Uint32(offset))), int64(int32(binary.BigEndian.Uint32(offset[4:])))
	if sizeUnder == 0 || offsetUnder == 0 {
		return 0, 0, false
	}
	length := sizeOver / sizeUnder
	middle := float64(offsetOver)/float64(offsetUnder) + float64(int64(side)-length)/2
	if middle < -float64(side) || middle > float64(side) {
		return 0, 0, false
	}
	start := int64(math.Floor(middle))
	from, to = int(max(start, 0)), int(min(start+length, int64(side)))
	return from, to, from < to
}
