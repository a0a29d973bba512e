package hdf5

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Ranks of the structures written, HDF5's defaults.
const (
	leafRank    = 4
	treeRank    = 16
	leafEntries = 2 * leafRank
)

// freeListEmpty marks a local heap without free space.
const freeListEmpty = 1

// Write writes the tree as an HDF5 file: all structure first, then the arrays in the
// tree's order, each straight from its Data. The same tree gives the same bytes. Errors
// are w's, or say what of the tree the format cannot hold, before anything is written.
func Write(w io.Writer, root Tree) error {
	if err := root.validate("/"); err != nil {
		return err
	}
	l := &layout{structure: make([]byte, superblockBytes)}
	rootAddr := l.group(root)
	end := l.placeArrays()
	copy(l.structure, encodeSuperblock(rootAddr, end))
	if _, err := w.Write(l.structure); err != nil {
		return fmt.Errorf("write structure: %w", err)
	}
	for _, a := range l.arrays {
		if err := writeFloat32s(w, a.data); err != nil {
			return fmt.Errorf("write array: %w", err)
		}
	}
	return nil
}

// layout collects a file's structure, and the arrays that follow it.
type layout struct {
	structure []byte
	arrays    []placedArray
}

// placedArray is an array and where the structure wants its address.
type placedArray struct {
	addressAt uint64
	data      []float32
}

// add appends a block of structure and returns its address.
func (l *layout) add(block []byte) uint64 {
	addr := uint64(len(l.structure))
	l.structure = append(l.structure, align(block)...)
	return addr
}

// entry is a member of a group: its name and the address of its header.
type entry struct {
	name string
	addr uint64
}

// group adds all that t holds, then t's own structure, and returns its header's address.
func (l *layout) group(t Tree) uint64 {
	var entries []entry
	for _, a := range t.Arrays {
		entries = append(entries, entry{a.Name, l.array(a)})
	}
	for _, g := range t.Groups {
		entries = append(entries, entry{g.Name, l.group(g)})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	tree, heap := l.symbols(entries)
	messages := []message{{messageSymbolTable, le.AppendUint64(le.AppendUint64(nil, tree), heap)}}
	for _, a := range t.Attributes {
		messages = append(messages, message{messageAttribute, a.encode()})
	}
	return l.add(encodeHeader(messages...))
}

// array adds the header of a and returns its address.
func (l *layout) array(a Array) uint64 {
	header := encodeHeader(
		message{messageDataspace, encodeDataspace(a.Shape...)},
		message{messageDatatype, slices.Clone(float32Type)},
		message{messageFill, slices.Clone(fillMessage)},
		message{messageLayout, encodeLayout(len(a.Data))},
	)
	addr := l.add(header)
	layoutAt := uint64(len(header) - padded(len(encodeLayout(0)))) // the last message's body
	l.arrays = append(l.arrays, placedArray{addr + layoutAt + layoutAddressAt, a.Data})
	return addr
}

// symbols adds the tree and the heap of a group with the sorted entries.
func (l *layout) symbols(entries []entry) (tree, heap uint64) {
	names := make([]byte, 8) // offset 0 is the empty name below all others
	node := append([]byte("TREE"), treeOfGroupNodes, 0)
	node = le.AppendUint16(node, uint16((len(entries)+leafEntries-1)/leafEntries))
	node = le.AppendUint64(le.AppendUint64(node, undefined), undefined) // no siblings
	node = le.AppendUint64(node, 0)                                     // the first key
	for chunk := range slices.Chunk(entries, leafEntries) {
		leaf := []byte("SNOD\x01\x00")
		leaf = le.AppendUint16(leaf, uint16(len(chunk)))
		var last uint64
		for _, e := range chunk {
			last = uint64(len(names))
			names = align(append(append(names, e.name...), 0))
			leaf = le.AppendUint64(le.AppendUint64(leaf, last), e.addr)
			leaf = append(leaf, make([]byte, leafEntryBytes-16)...) // nothing cached
		}
		leaf = append(leaf, make([]byte, leafPrefixBytes+leafEntries*leafEntryBytes-len(leaf))...)
		node = le.AppendUint64(node, l.add(leaf))
		node = le.AppendUint64(node, last) // key: the last name of the child before it
	}
	node = append(node, make([]byte, treePrefixBytes+8+2*treeRank*16-len(node))...)
	return l.add(node), l.heap(names)
}

// heap adds a local heap with the names.
func (l *layout) heap(names []byte) uint64 {
	prefix := []byte("HEAP\x00\x00\x00\x00")
	prefix = le.AppendUint64(prefix, uint64(len(names)))
	prefix = le.AppendUint64(prefix, freeListEmpty)
	prefix = le.AppendUint64(prefix, uint64(len(l.structure)+heapPrefixBytes))
	return l.add(append(prefix, names...))
}

// placeArrays gives each array its address behind the structure and returns the file's
// length.
func (l *layout) placeArrays() uint64 {
	end := uint64(len(l.structure))
	for _, a := range l.arrays {
		le.PutUint64(l.structure[a.addressAt:], end)
		end += 4 * uint64(len(a.data))
	}
	return end
}

func encodeSuperblock(root, end uint64) []byte {
	b := append([]byte(Signature), 0, 0, 0, 0, 0, 8, 8, 0) // versions; size of offsets and lengths
	b = le.AppendUint16(le.AppendUint16(b, leafRank), treeRank)
	b = le.AppendUint32(b, 0)         // consistency flags
	b = le.AppendUint64(b, 0)         // base address
	b = le.AppendUint64(b, undefined) // free space
	b = le.AppendUint64(b, end)
	b = le.AppendUint64(b, undefined) // driver information
	b = le.AppendUint64(b, 0)         // the root's name
	return le.AppendUint64(b, root)
}

// writeFloat32s writes the values little-endian, a chunk at a time.
func writeFloat32s(w io.Writer, values []float32) error {
	chunk := make([]byte, 0, min(4*len(values), valueChunkBytes))
	for part := range slices.Chunk(values, valueChunkBytes/4) {
		chunk = chunk[:0]
		for _, v := range part {
			chunk = le.AppendUint32(chunk, math.Float32bits(v))
		}
		if _, err := w.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}
