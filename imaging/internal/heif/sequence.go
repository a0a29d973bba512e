package heif

import (
	"errors"
	"fmt"
)

// parseSequence reads the first picture of a file whose pictures are in tracks, as in
// a film.
func parseSequence(data []byte) (*Picture, error) {
	var colour, alpha *track
	for b := range boxes(child(data, "moov")) {
		if b.kind != "trak" {
			continue
		}
		t := newTrack(b.payload)
		switch {
		case t.handler == "pict" && colour == nil:
			colour = t
		case t.handler == "auxv" && isAlpha(t.entry("auxi")) && alpha == nil:
			alpha = t
		}
	}
	if colour == nil {
		return nil, errors.New("no track of pictures")
	}
	return colour.picture(data, alpha)
}

// track is one of a sequence's: its colours, or its transparency.
type track struct {
	handler    string // what the track is for
	kind       string // of the codec
	table      []byte // where its pictures lie
	width      uint16 // pixels
	height     uint16
	properties []box // of all its pictures
}

func newTrack(trak []byte) *track {
	handler := fields{rest: descend(trak, "mdia", "hdlr")}
	handler.bytes(8)
	t := &track{
		handler: handler.kind(),
		table:   descend(trak, "mdia", "minf", "stbl"),
	}
	stsd := fields{rest: child(t.table, "stsd")}
	stsd.bytes(8) // version, number of entries
	for b := range boxes(stsd.rest) {
		const sizeAt, head = 24, 78
		r := fields{rest: b.payload}
		r.bytes(sizeAt)
		t.kind, t.width, t.height = b.kind, r.u16(), r.u16()
		r.bytes(head - sizeAt - 4)
		const most = 64
		for property := range boxes(r.rest) {
			if t.properties = append(t.properties, property); len(t.properties) == most {
				break
			}
		}
		break
	}
	return t
}

func (t *track) entry(kind string) []byte { return property(t.properties, kind) }

// picture reads the first picture of the track.
func (t *track) picture(data []byte, alpha *track) (*Picture, error) {
	colour, err := t.coded(data)
	if err != nil {
		return nil, err
	}
	p := &Picture{Colour: *colour, Width: colour.Width, Height: colour.Height}
	if alpha != nil {
		if p.Alpha, err = alpha.coded(data); err != nil {
			return nil, err
		}
	}
	for _, property := range t.properties {
		p.setColour(property)
	}
	return p, p.addSteps(t.properties)
}

func (t *track) coded(data []byte) (*Coded, error) {
	c, err := newCoded(t.kind, t.properties)
	if err != nil {
		return nil, err
	}
	c.Width, c.Height = int(t.width), int(t.height)
	c.TileWidth, c.TileHeight = c.Width, c.Height
	at, length := t.place()
	if at > uint64(len(data)) || length > uint64(len(data))-at {
		return nil, fmt.Errorf("a picture of %d bytes at byte %d of %d", length, at, len(data))
	}
	c.tiles[0].content = data[at : at+length]
	return c, nil
}

// place is where the first picture lies: at the beginning of the first chunk.
func (t *track) place() (at, length uint64) {
	offsets, size := fields{rest: child(t.table, "stco")}, uint64(4)
	if wide := child(t.table, "co64"); wide != nil {
		offsets, size = fields{rest: wide}, 8
	}
	offsets.bytes(8) // version, number of chunks
	at = offsets.uint(size)
	lengths := fields{rest: child(t.table, "stsz")}
	lengths.bytes(4) // version
	length = lengths.uint(4)
	if length == 0 { // they differ
		lengths.bytes(4) // how many
		length = lengths.uint(4)
	}
	return at, length
}
