package hdf5

import "fmt"

const (
	collectionPrefixBytes = 16
	objectPrefixBytes     = 16

	// maxStringBytes bounds one string: names of layers and weights are far shorter, and
	// HDF5's own limit on a whole attribute is 64 KiB.
	maxStringBytes = 64 << 10
)

// variableString reads the string that a variable-length element refers to.
func (s *source) variableString(element []byte) (string, error) {
	f := newFields(element)
	length, collection, index := uint64(f.u32()), f.u64(), f.u32()
	switch {
	case f.err != nil:
		return "", f.err
	case length == 0:
		return "", nil
	case length > maxStringBytes:
		return "", fmt.Errorf("%w: string of %d bytes, want at most %d", ErrUnsupported, length, maxStringBytes)
	}
	addr, size, err := s.heapObject(collection, index)
	if err != nil {
		return "", fmt.Errorf("global heap at %d: %w", collection, err)
	}
	if length > size {
		return "", fmt.Errorf("%w: string of %d bytes in a heap object of %d", ErrCorrupt, length, size)
	}
	value, err := s.structure(addr, length)
	return string(value), err
}

// heapObject finds an object of a global heap collection: its address and its size.
func (s *source) heapObject(collection uint64, index uint32) (addr, size uint64, err error) {
	prefix, err := s.structure(collection, collectionPrefixBytes)
	if err != nil {
		return 0, 0, err
	}
	f := newFields(prefix)
	f.signature("GCOL")
	f.version(1)
	f.skip(3)
	length := f.u64()
	if f.err != nil {
		return 0, 0, f.err
	}
	if err := s.inside(collection, length); err != nil {
		return 0, 0, err
	}
	end := collection + length
	for at := collection + collectionPrefixBytes; at+objectPrefixBytes <= end; {
		prefix, err := s.structure(at, objectPrefixBytes)
		if err != nil {
			return 0, 0, err
		}
		f := newFields(prefix)
		found := uint32(f.u16())
		f.skip(6) // references, reserved
		size := f.u64()
		at += objectPrefixBytes
		if size > end-at {
			return 0, 0, fmt.Errorf("%w: object %d of %d bytes leaves its collection", ErrCorrupt, found, size)
		}
		if found == index && index != 0 {
			return at, size, nil
		}
		if found == 0 { // the free space at the end
			break
		}
		at += (size + 7) &^ 7
	}
	return 0, 0, fmt.Errorf("%w: no object %d", ErrCorrupt, index)
}
