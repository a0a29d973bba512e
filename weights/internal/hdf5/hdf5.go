// Package hdf5 reads and writes the small part of the HDF5 file format that Keras uses
// for weights: superblock version 0, symbol-table groups, version 1 object headers,
// contiguous little-endian float32 datasets, and string attributes of fixed or variable
// length. Everything else (chunks, filters, links, other types, newer headers) is refused
// with ErrUnsupported and its name, never guessed at.
//
// A file is not trusted: every size is checked against the file's size before memory is
// taken for it, the bytes of structure read from one file are limited to
// MaxStructureBytes, and all datasets together may not be larger than the file.
//
// The format is the HDF Group's "HDF5 File Format Specification Version 3.0".
package hdf5

import (
	"bytes"
	"fmt"
	"io"
)

// Signature opens every HDF5 file that this package reads or writes.
const Signature = "\x89HDF\r\n\x1a\n"

// MaxStructureBytes is how much of a file may be read as structure (headers, group
// trees, heaps) through one Open, in bytes. A whole VGG16 checkpoint takes under
// 256 KiB; the limit ends files whose parts refer to each other without end.
const MaxStructureBytes = 16 << 20

const (
	// undefined is the address of something that is not there.
	undefined = ^uint64(0)

	superblockBytes = 96
)

// Open reads the superblock of the file r of size bytes and returns its root group. The
// group and all it leads to read from r when asked and are not safe for concurrent use.
// Errors are ErrCorrupt, ErrUnsupported or r's own.
func Open(r io.ReaderAt, size int64) (*Group, error) {
	if size < superblockBytes {
		return nil, fmt.Errorf("%w: file has %d bytes, want at least %d", ErrCorrupt, size, superblockBytes)
	}
	s := &source{r: r, size: uint64(size), structureLeft: MaxStructureBytes, valuesLeft: uint64(size)}
	root, err := s.superblock()
	if err != nil {
		return nil, fmt.Errorf("superblock: %w", err)
	}
	return s.group(root, "/")
}

// superblock checks the superblock and returns the address of the root group's header.
func (s *source) superblock() (uint64, error) {
	block, err := s.structure(0, superblockBytes)
	if err != nil {
		return 0, err
	}
	if !bytes.HasPrefix(block, []byte(Signature)) {
		return 0, fmt.Errorf("%w: file starts with % x, want the HDF5 signature", ErrCorrupt, block[:8])
	}
	f := newFields(block[8:])
	if version := f.u8(); version != 0 {
		return 0, fmt.Errorf("%w: superblock version %d, want 0", ErrUnsupported, version)
	}
	f.skip(4) // versions of free space, root group and shared messages; 0 in version 0
	if offsets, lengths := f.u8(), f.u8(); offsets != 8 || lengths != 8 {
		return 0, fmt.Errorf("%w: offsets of %d and lengths of %d bytes, want 8 and 8", ErrUnsupported, offsets, lengths)
	}
	f.skip(9) // reserved, group tree ranks, consistency flags
	base := f.u64()
	f.skip(8) // free space
	end, driver := f.u64(), f.u64()
	f.skip(8) // the root group's name
	root := f.u64()
	switch {
	case base != 0:
		return 0, fmt.Errorf("%w: base address %d, want 0", ErrUnsupported, base)
	case driver != undefined:
		return 0, fmt.Errorf("%w: driver information block, want none", ErrUnsupported)
	case end > s.size:
		return 0, fmt.Errorf("%w: file has %d bytes, want %d as its superblock says", ErrCorrupt, s.size, end)
	}
	return root, f.err
}
