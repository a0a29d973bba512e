// Package heif reads the structure of HEIF files, HEIC and AVIF among them: which
// pictures are in it, where their data lies, and how they are to be shown. It decodes
// no picture. The files may be hostile: nothing panics, and memory and time stay within
// a small multiple of the file's length.
package heif

import (
	"errors"
	"fmt"
)

// Codec is how a picture's data is encoded.
type Codec string

// The codecs, by the names that HEIF gives them.
const (
	HEVC Codec = "hvc1"
	AV1  Codec = "av01"
)

// Picture is the picture that a file shows: its primary one, or a sequence's first.
type Picture struct {
	Width, Height int // pixels as shown: cropped and turned
	Colour        Coded
	Alpha         *Coded // nil: opaque
	Premultiplied bool   // the colours have alpha multiplied in
	Steps         []Step // from the pixels as they are decoded to those that are shown
	ICC           []byte // the profile; nil: none. Part of the file's bytes
	NCLX          *NCLX  // the colours in numbers; nil: not said
}

// NCLX is a picture's colours by the numbers of ISO/IEC 23091-2; 2 is unspecified.
type NCLX struct {
	Primaries uint16 // 1 BT.709 and sRGB, 9 BT.2020, 12 Display P3
	Transfer  uint16 // 13 sRGB, 16 PQ, 18 HLG
	Matrix    uint16 // from YCbCr to RGB
	Full      bool   // samples use their full range
}

// Coded is encoded pixels: one tile or a grid of them, all of one size.
type Coded struct {
	Codec                 Codec
	Width, Height         int // pixels of the whole
	Columns, Rows         int // of tiles
	TileWidth, TileHeight int
	Depth                 int  // bits of a sample, 8 or more
	Gray                  bool // there is no chroma
	tiles                 []tile
}

// tile is one encoded picture.
type tile struct {
	config  []byte // payload of hvcC or av1C
	content []byte
}

// The kinds of items, and of their properties, that are more than a name.
const (
	kindGrid     = "grid"
	kindIdentity = "iden"
)

// Parse reads the file's structure. Profile and tiles are parts of data.
func Parse(data []byte) (*Picture, error) {
	if BrandsOf(data).sequence() {
		if p, err := parseSequence(data); err == nil {
			return p, nil
		}
	}
	f, err := parse(data)
	if err != nil {
		return nil, err
	}
	primary := f.items[f.primary]
	if primary == nil {
		return nil, errors.New("no primary picture")
	}
	return f.picture(primary, 0)
}

// picture reads an item and everything that it is made of.
func (f *file) picture(i *item, depth int) (*Picture, error) {
	if i.kind == kindIdentity {
		return f.identity(i, depth)
	}
	colour, err := f.coded(i)
	if err != nil {
		return nil, err
	}
	p := &Picture{Colour: *colour}
	if err := f.addAlpha(p, i); err != nil {
		return nil, err
	}
	for _, property := range f.propertiesOf(i) {
		p.setColour(property)
	}
	p.Width, p.Height = colour.Width, colour.Height
	return p, p.addSteps(f.propertiesOf(i))
}

// identity reads an item that shows another one, turned.
func (f *file) identity(i *item, depth int) (*Picture, error) {
	sources := f.targets("dimg", i.id)
	if len(sources) != 1 || f.items[sources[0]] == nil || depth == maxDepth {
		return nil, errors.New("a picture made of another that is not there")
	}
	p, err := f.picture(f.items[sources[0]], depth+1)
	if err != nil {
		return nil, err
	}
	return p, p.addSteps(f.propertiesOf(i))
}

// setColour takes what a property says about colours. A file may have a profile and
// numbers.
func (p *Picture) setColour(property box) {
	if property.kind != "colr" {
		return
	}
	r := fields{rest: property.payload}
	switch kind := r.kind(); {
	case (kind == "prof" || kind == "rICC") && p.ICC == nil:
		p.ICC = r.rest
	case kind == "nclx" && p.NCLX == nil:
		p.NCLX = &NCLX{Primaries: r.u16(), Transfer: r.u16(), Matrix: r.u16(), Full: r.u8()&0x80 != 0}
	}
}

// coded reads the pixels of an item.
func (f *file) coded(i *item) (*Coded, error) {
	if i.kind == kindGrid {
		return f.grid(i)
	}
	c, err := f.single(i)
	if err != nil {
		return nil, err
	}
	c.Width, c.Height = c.TileWidth, c.TileHeight
	return c, nil
}

func (f *file) single(i *item) (*Coded, error) {
	properties := f.propertiesOf(i)
	c, err := newCoded(i.kind, properties)
	if err != nil {
		return nil, err
	}
	size := fields{rest: property(properties, "ispe")}
	size.version()
	width, height := size.u32(), size.u32()
	if size.short || max(width, height) > maxSide {
		return nil, fmt.Errorf("a picture of %dx%d pixels, expected sides of at most %d", width, height, maxSide)
	}
	c.TileWidth, c.TileHeight = int(width), int(height)
	c.tiles[0].content, err = f.content(i)
	return c, err
}

// maxSide bounds a side of a picture, so that products do not overflow.
const maxSide = 1<<31 - 1

// newCoded reads the codec's configuration.
func newCoded(kind string, properties []box) (*Coded, error) {
	c := &Coded{Codec: Codec(kind), Columns: 1, Rows: 1, Depth: 8}
	switch c.Codec {
	case HEVC:
		return c, c.readHEVC(property(properties, "hvcC"))
	case AV1:
		return c, c.readAV1(property(properties, "av1C"))
	}
	return nil, fmt.Errorf("a picture encoded as %q, expected %q (HEVC) or %q (AV1)", kind, HEVC, AV1)
}

func (c *Coded) readHEVC(config []byte) error {
	const chromaAt, depthAt, least = 16, 17, 23
	if len(config) < least {
		return fmt.Errorf("a HEVC configuration of %d bytes, expected %d or more", len(config), least)
	}
	c.Gray = config[chromaAt]&3 == 0
	c.Depth = 8 + int(config[depthAt]&7)
	c.tiles = []tile{{config: config}}
	return nil
}

func (c *Coded) readAV1(config []byte) error {
	const least, deep, deeper, gray = 4, 0x40, 0x20, 0x10
	if len(config) < least {
		return fmt.Errorf("an AV1 configuration of %d bytes, expected %d or more", len(config), least)
	}
	switch flags := config[2]; flags & (deep | deeper) {
	case deep:
		c.Depth = 10
	case deep | deeper:
		c.Depth = 12
	}
	c.Gray = config[2]&gray != 0
	c.tiles = []tile{{config: config}}
	return nil
}

func property(properties []box, kind string) []byte {
	for _, p := range properties {
		if p.kind == kind {
			return p.payload
		}
	}
	return nil
}

// grid reads a picture made of tiles.
func (f *file) grid(i *item) (*Coded, error) {
	content, err := f.content(i)
	if err != nil {
		return nil, err
	}
	r := fields{rest: content}
	r.u8() // version
	size := uint64(2)
	if r.u8()&1 != 0 {
		size = 4
	}
	rows, columns := int(r.u8())+1, int(r.u8())+1
	width, height := r.uint(size), r.uint(size)
	tiles := f.targets("dimg", i.id)
	if r.short || max(width, height) > maxSide || len(tiles) < rows*columns {
		return nil, fmt.Errorf("a grid of %dx%d tiles, of which there are %d", columns, rows, len(tiles))
	}
	c, err := f.tiled(tiles[:rows*columns])
	if err != nil {
		return nil, err
	}
	c.Width, c.Height, c.Columns, c.Rows = int(width), int(height), columns, rows
	if c.TileWidth*columns < c.Width || c.TileHeight*rows < c.Height {
		return nil, fmt.Errorf("%dx%d tiles of %dx%d pixels for a picture of %dx%d", columns, rows, c.TileWidth, c.TileHeight, c.Width, c.Height)
	}
	return c, nil
}

// tiled joins items of one size and kind.
func (f *file) tiled(ids []uint32) (*Coded, error) {
	var all *Coded
	for _, id := range ids {
		if f.items[id] == nil {
			return nil, errors.New("a tile that is not there")
		}
		c, err := f.single(f.items[id])
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = c
			continue
		}
		if c.Codec != all.Codec || c.TileWidth != all.TileWidth || c.TileHeight != all.TileHeight || c.Gray != all.Gray {
			return nil, errors.New("tiles that differ in size or kind")
		}
		all.Depth = max(all.Depth, c.Depth)
		all.tiles = append(all.tiles, c.tiles...)
	}
	return all, nil
}
