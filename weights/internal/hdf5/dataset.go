package hdf5

import (
	"fmt"
	"slices"
)

// Dataset is an array of float32 in the file, its values still unread. It is not safe
// for concurrent use.
type Dataset struct {
	source *source
	path   string
	shape  []int
	addr   uint64
	count  uint64
}

// Ways in which a dataset's bytes may lie in the file.
const layoutContiguous = 1

var layoutNames = map[uint8]string{0: "compact", 2: "chunked", 3: "virtual"}

// dataset reads the description of the dataset whose header lies at addr.
func (s *source) dataset(addr uint64, where string) (*Dataset, error) {
	messages, err := s.header(addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	var parts [messageLayout + 1][]byte
	for _, m := range messages {
		switch m.kind {
		case messageDataspace, messageDatatype, messageLayout:
			if parts[m.kind] != nil {
				return nil, fmt.Errorf("%w: %s: message %#x twice", ErrCorrupt, where, m.kind)
			}
			parts[m.kind] = m.body
		case messageSymbolTable:
			return nil, fmt.Errorf("%w: %s is a group, want a dataset", ErrUnsupported, where)
		}
	}
	d := &Dataset{source: s, path: where}
	if err := d.describe(parts[messageDataspace], parts[messageDatatype], parts[messageLayout]); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return d, nil
}

// describe fills d from its three messages; a missing one is an empty body.
func (d *Dataset) describe(space, typ, layout []byte) error {
	element, err := parseDatatype(typ)
	if err != nil {
		return err
	}
	if !element.isFloat32() {
		return fmt.Errorf("%w: %v, want little-endian float of 4 bytes", ErrUnsupported, element)
	}
	extent, err := parseDataspace(space)
	if err != nil {
		return err
	}
	if d.count, err = extent.count(d.source.size / 4); err != nil {
		return err
	}
	if d.count == 0 {
		return fmt.Errorf("%w: dataset without elements", ErrUnsupported)
	}
	for _, dim := range extent.dims {
		d.shape = append(d.shape, int(dim))
	}
	return d.place(layout)
}

// place finds the bytes of d from its layout message.
func (d *Dataset) place(layout []byte) error {
	f := newFields(layout)
	version, class := f.u8(), f.u8()
	switch {
	case f.err != nil:
		return fmt.Errorf("data layout: %w", f.err)
	case version != 3:
		return fmt.Errorf("%w: data layout version %d, want 3", ErrUnsupported, version)
	case class != layoutContiguous:
		return fmt.Errorf("%w: %s data layout (%d), want contiguous", ErrUnsupported, layoutNames[class], class)
	}
	addr, size := f.u64(), f.u64()
	switch {
	case f.err != nil:
		return fmt.Errorf("data layout: %w", f.err)
	case addr == undefined:
		return fmt.Errorf("%w: dataset that was never written", ErrUnsupported)
	case size != 4*d.count:
		return fmt.Errorf("%w: %d bytes of data, want %d for shape %d", ErrCorrupt, size, 4*d.count, d.shape)
	}
	d.addr = addr
	return d.source.inside(addr, size)
}

// Shape returns the dataset's dimensions, empty for a scalar. The slice is the caller's.
func (d *Dataset) Shape() []int { return slices.Clone(d.shape) }

// Float32s reads the values, row-major. The slice is the caller's. All reads of one file
// together may not exceed its size.
func (d *Dataset) Float32s() ([]float32, error) {
	values, err := d.source.float32s(d.addr, d.count)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.path, err)
	}
	return values, nil
}
