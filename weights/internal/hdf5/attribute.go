package hdf5

import (
	"bytes"
	"fmt"
	"strings"
)

// Ways in which a fixed-length string fills its place.
const (
	stringEndsAtZero    = 0
	stringPaddedByZero  = 1
	stringPaddedBySpace = 2
)

const variableStringBytes = 16 // length, then heap address and index

// attribute is a small value on a group. Its data is still encoded.
type attribute struct {
	name  string
	typ   datatype
	space dataspace
	data  []byte
}

func parseAttribute(body []byte) (attribute, error) {
	f := newFields(body)
	version, flags := f.u8(), f.u8() // flags are reserved in version 1
	nameBytes, typeBytes, spaceBytes := int(f.u16()), int(f.u16()), int(f.u16())
	pad := func(n int) int { return n }
	switch {
	case version == 1:
		pad = padded
	case version != 2 && version != 3:
		return attribute{}, fmt.Errorf("%w: attribute version %d, want 1 to 3", ErrUnsupported, version)
	case flags != 0:
		return attribute{}, fmt.Errorf("%w: attribute with a shared type", ErrUnsupported)
	case version == 3:
		f.skip(1) // character set of the name
	}
	name, _, _ := bytes.Cut(f.take(pad(nameBytes)), []byte{0})
	rawType, rawSpace := f.take(pad(typeBytes)), f.take(pad(spaceBytes))
	if f.err != nil {
		return attribute{}, fmt.Errorf("attribute: %w", f.err)
	}
	a := attribute{name: string(name), data: f.rest}
	var err error
	if a.typ, err = parseDatatype(rawType); err != nil {
		return attribute{}, fmt.Errorf("attribute %q: %w", name, err)
	}
	if a.space, err = parseDataspace(rawSpace); err != nil {
		return attribute{}, fmt.Errorf("attribute %q: %w", name, err)
	}
	return a, nil
}

// strings decodes the values; see Group.Strings.
func (a attribute) strings(s *source) ([]string, error) {
	// An element has at least a byte, so there are at most as many as bytes.
	count, err := a.space.count(uint64(len(a.data)))
	if err != nil || count == 0 {
		return nil, err
	}
	size := uint64(a.typ.size)
	switch {
	case a.typ.class != classString && !a.typ.isVariableString():
		return nil, fmt.Errorf("%w: %v, want strings", ErrUnsupported, a.typ)
	case a.typ.isVariableString() && size != variableStringBytes, size == 0:
		return nil, fmt.Errorf("%w: %v, want %d", ErrCorrupt, a.typ, variableStringBytes)
	case count > uint64(len(a.data))/size:
		return nil, fmt.Errorf("%w: %d strings of %d bytes in %d", ErrCorrupt, count, size, len(a.data))
	}
	values := make([]string, 0, count)
	for element := range count {
		raw := a.data[element*size : (element+1)*size]
		value := fixedString(raw, a.typ.bits&0xf)
		if a.typ.isVariableString() {
			if value, err = s.variableString(raw); err != nil {
				return nil, err
			}
		}
		values = append(values, value)
	}
	return values, nil
}

// fixedString strips the filling of a fixed-length string.
func fixedString(raw []byte, filling uint32) string {
	switch filling {
	case stringEndsAtZero:
		value, _, _ := bytes.Cut(raw, []byte{0})
		return string(value)
	case stringPaddedBySpace:
		return strings.TrimRight(string(raw), " ")
	default: // stringPaddedByZero; the rest are reserved
		return strings.TrimRight(string(raw), "\x00")
	}
}
