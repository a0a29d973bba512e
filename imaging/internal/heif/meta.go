package heif

import (
	"errors"
	"fmt"
)

// item is one of the things that a file holds: a picture, a tile, a thumbnail.
type item struct {
	id         uint32
	kind       string
	place      location
	properties []uint16 // which of the file's
}

// location says where an item's bytes lie.
type location struct {
	method  byte // where offsets count from
	foreign bool // in another file
	extents []extent
}

type extent struct {
	index, offset, length uint64
}

// The methods of a location.
const (
	inFile = 0
	inBox  = 1 // in the box idat
	inItem = 2
)

// reference says what an item has to do with others.
type reference struct {
	kind string
	from uint32
	to   []uint32
}

// file is the structure of a file.
type file struct {
	data       []byte
	idat       []byte
	primary    uint32
	items      map[uint32]*item
	references []reference
	properties []box
	entries    int // what is left of them
	copies     int // bytes that are left to copy
}

// maxEntries bounds what the lists of a file hold together: items, places, references
// and properties. A picture of 48 megapixels in tiles has less than two thousand.
const maxEntries = 1 << 17

var errEntries = fmt.Errorf("lists of more than %d entries", maxEntries)

// count takes an entry of a list, and reports whether there may be one more.
func (f *file) count() bool {
	f.entries--
	return f.entries >= 0
}

func parse(data []byte) (*file, error) {
	meta := child(data, "meta")
	if len(meta) < 4 {
		return nil, errors.New("no box with the picture's description")
	}
	meta = meta[4:] // version and flags
	f := newFile(data)
	for b := range boxes(meta) {
		switch b.kind {
		case "pitm":
			f.readPrimary(b.payload)
		case "iinf":
			f.readItems(b.payload)
		case "iloc":
			f.readLocations(b.payload)
		case "iref":
			f.readReferences(b.payload)
		case "iprp":
			f.readProperties(b.payload)
		case "idat":
			f.idat = b.payload
		}
	}
	if f.entries < 0 {
		return nil, errEntries
	}
	return f, nil
}

func newFile(data []byte) *file {
	return &file{data: data, items: map[uint32]*item{}, entries: maxEntries, copies: maxOverlap * len(data)}
}

// item returns the item of a number; boxes come in any order, so that each may be the
// first that names it.
func (f *file) item(id uint32) *item {
	if f.items[id] == nil {
		f.items[id] = &item{id: id}
	}
	return f.items[id]
}

func (f *file) readPrimary(payload []byte) {
	r := fields{rest: payload}
	version, _ := r.version()
	f.primary = uint32(r.uint(wide(version, 1)))
}

// wide is the size of a number that later versions of a box made longer.
func wide(version, from byte) uint64 {
	if version >= from {
		return 4
	}
	return 2
}

func (f *file) readItems(payload []byte) {
	r := fields{rest: payload}
	version, _ := r.version()
	r.uint(wide(version, 1)) // how many
	for b := range boxes(r.rest) {
		if b.kind != "infe" {
			continue
		}
		entry := fields{rest: b.payload}
		version, _ := entry.version()
		if version < 2 {
			continue // has no type
		}
		id := uint32(entry.uint(wide(version, 3)))
		entry.u16() // protection
		kind := entry.kind()
		if entry.short || !f.count() {
			return
		}
		f.item(id).kind = kind
	}
}

func (f *file) readLocations(payload []byte) {
	r := fields{rest: payload}
	version, _ := r.version()
	sizes := r.u16()
	offset, length, base, index := uint64(sizes>>12), uint64(sizes>>8&15), uint64(sizes>>4&15), uint64(sizes&15)
	if version == 0 {
		index = 0
	}
	if max(offset, length, base, index) > 8 {
		return
	}
	for range r.uint(wide(version, 2)) {
		id := uint32(r.uint(wide(version, 2)))
		place := location{}
		if version > 0 {
			place.method = byte(r.u16() & 15)
		}
		place.foreign = r.u16() != 0
		start := r.uint(base)
		for range r.u16() {
			e := extent{index: r.uint(index), offset: start + r.uint(offset), length: r.uint(length)}
			if r.short || !f.count() {
				return
			}
			place.extents = append(place.extents, e)
		}
		if r.short || !f.count() {
			return
		}
		f.item(id).place = place
	}
}

func (f *file) readReferences(payload []byte) {
	r := fields{rest: payload}
	version, _ := r.version()
	for b := range boxes(r.rest) {
		if !f.count() {
			return
		}
		entry := fields{rest: b.payload}
		reference := reference{kind: b.kind, from: uint32(entry.uint(wide(version, 1)))}
		for range entry.u16() {
			to := uint32(entry.uint(wide(version, 1)))
			if entry.short || !f.count() {
				return
			}
			reference.to = append(reference.to, to)
		}
		f.references = append(f.references, reference)
	}
}

// readProperties joins the list of properties with the lists of who has which.
func (f *file) readProperties(payload []byte) {
	for b := range boxes(child(payload, "ipco")) {
		if !f.count() {
			return
		}
		f.properties = append(f.properties, b)
	}
	for b := range boxes(payload) {
		if b.kind == "ipma" {
			f.readOwners(b.payload)
		}
	}
}

func (f *file) readOwners(payload []byte) {
	r := fields{rest: payload}
	version, flags := r.version()
	size, essential := uint64(1), uint64(0x80)
	if flags&1 != 0 {
		size, essential = 2, 0x8000
	}
	for range r.u32() {
		owner := uint32(r.uint(wide(version, 1)))
		for range r.u8() {
			index := r.uint(size) &^ essential
			if r.short || !f.count() {
				return
			}
			owner := f.item(owner)
			if index > 0 && index <= uint64(len(f.properties)) && len(owner.properties) < maxProperties {
				owner.properties = append(owner.properties, uint16(index-1))
			}
		}
		if r.short || !f.count() {
			return
		}
	}
}

// maxProperties bounds what an item has, since a grid may name the same item often.
const maxProperties = 64

// propertiesOf are an item's properties, in their order.
func (f *file) propertiesOf(i *item) []box {
	var all []box
	for _, index := range i.properties {
		all = append(all, f.properties[index])
	}
	return all
}

// targets are the items that one refers to.
func (f *file) targets(kind string, from uint32) []uint32 {
	for _, r := range f.references {
		if r.kind == kind && r.from == from {
			return r.to
		}
	}
	return nil
}

// content returns an item's bytes, which may be those of the file itself.
func (f *file) content(i *item) ([]byte, error) { return f.contentWithin(i, 0) }

// maxDepth bounds how many items lie in each other.
const maxDepth = 4

// maxOverlap bounds how often a picture's parts may name the same bytes of the file.
// In a sound file they lie side by side.
const maxOverlap = 4

func (f *file) contentWithin(i *item, depth int) ([]byte, error) {
	if i.place.foreign {
		return nil, errors.New("the picture's data lies in another file")
	}
	if depth == maxDepth {
		return nil, fmt.Errorf("items in items, %d deep", maxDepth)
	}
	var content []byte
	for n, e := range i.place.extents {
		from, err := f.origin(i, e, depth)
		if err != nil {
			return nil, err
		}
		piece, err := e.cut(from)
		if err != nil {
			return nil, err
		}
		if f.copies -= len(piece) + 1; f.copies < 0 {
			return nil, fmt.Errorf("pictures that take the file's bytes more than %d times", maxOverlap)
		}
		if n == 0 {
			content = piece[:len(piece):len(piece)] // without a copy
			continue
		}
		content = append(content, piece...)
	}
	return content, nil
}

// cut returns the extent's bytes.
func (e extent) cut(from []byte) ([]byte, error) {
	if e.offset > uint64(len(from)) {
		return nil, fmt.Errorf("an item at byte %d of %d", e.offset, len(from))
	}
	from = from[e.offset:]
	if e.length == 0 { // to the end
		return from, nil
	}
	if e.length > uint64(len(from)) {
		return nil, fmt.Errorf("%d bytes of an item of %d", len(from), e.length)
	}
	return from[:e.length], nil
}

// origin is what an extent's offset counts in.
func (f *file) origin(i *item, e extent, depth int) ([]byte, error) {
	switch i.place.method {
	case inFile:
		return f.data, nil
	case inBox:
		return f.idat, nil
	case inItem:
		sources := f.targets("iloc", i.id)
		at := max(e.index, 1) - 1
		if at >= uint64(len(sources)) || f.items[sources[at]] == nil {
			return nil, errors.New("an item in an item that is not there")
		}
		return f.contentWithin(f.items[sources[at]], depth+1)
	}
	return nil, fmt.Errorf("an item placed by method %d, expected 0 to 2", i.place.method)
}
