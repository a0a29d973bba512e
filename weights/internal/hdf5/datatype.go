package hdf5

import (
	"bytes"
	"fmt"
)

// Classes of datatypes that the package distinguishes.
const (
	classInteger  = 0
	classFloat    = 1
	classString   = 3
	classVariable = 9
)

var classNames = [...]string{
	"integer", "float", "time", "string", "bit field", "opaque",
	"compound", "reference", "enumeration", "variable-length", "array",
}

// float32Type is IEEE little-endian float32 as a datatype message, version 1.
var float32Type = []byte{
	0x11, 0x20, 0x1f, 0, 4, 0, 0, 0, // class and version; little-endian, implied bit, sign at 31; size
	0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0, // offset, precision, exponent, mantissa, bias
}

// datatype is the message that says what one element is.
type datatype struct {
	class uint8
	bits  uint32 // meaning depends on the class
	size  uint32 // of an element, in bytes
	raw   []byte
}

func parseDatatype(body []byte) (datatype, error) {
	f := newFields(body)
	head := f.u32()
	t := datatype{class: uint8(head & 0xf), bits: head >> 8, size: f.u32(), raw: body}
	if f.err != nil {
		return datatype{}, fmt.Errorf("datatype: %w", f.err)
	}
	if version := head >> 4 & 0xf; version < 1 || version > 3 {
		return datatype{}, fmt.Errorf("%w: datatype version %d, want 1 to 3", ErrUnsupported, version)
	}
	return t, nil
}

// isFloat32 reports whether an element is IEEE little-endian float32, the one number type
// read here. Versions 1 to 3 describe floats alike.
func (t datatype) isFloat32() bool {
	return t.class == classFloat && len(t.raw) >= len(float32Type) &&
		bytes.Equal(t.raw[1:len(float32Type)], float32Type[1:])
}

// isVariableString reports whether an element is a string kept in a global heap.
func (t datatype) isVariableString() bool { return t.class == classVariable && t.bits&0xf == 1 }

// String names the type for error messages.
func (t datatype) String() string {
	name := "type " + fmt.Sprint(t.class)
	if int(t.class) < len(classNames) {
		name = classNames[t.class]
	}
	if t.class <= classFloat && t.bits&1 == 1 {
		name = "big-endian " + name
	}
	return fmt.Sprintf("%s of %d bytes", name, t.size)
}
