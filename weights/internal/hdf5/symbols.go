package hdf5

import (
	"bytes"
	"fmt"
)

const (
	treePrefixBytes = 24
	leafPrefixBytes = 8
	leafEntryBytes  = 40
	heapPrefixBytes = 32

	// maxTreeLevel is far above need: at 32 children a node, four levels hold a million
	// leaves.
	maxTreeLevel = 4
	// maxNameBytes bounds a member's name, so that entries which point into one long run
	// of letters cannot multiply it.
	maxNameBytes = 1024

	treeOfGroupNodes = 0
	entryIsSoftLink  = 2
)

// symbols reads a group's members: a tree of leaves whose entries name headers, the
// names themselves in a heap.
func (s *source) symbols(tree, heap uint64) (map[string]uint64, error) {
	names, err := s.localHeap(heap)
	if err != nil {
		return nil, fmt.Errorf("local heap: %w", err)
	}
	members := make(map[string]uint64)
	if err := s.tree(tree, -1, names, members); err != nil {
		return nil, err
	}
	return members, nil
}

// localHeap returns the data segment of the heap at addr.
func (s *source) localHeap(addr uint64) ([]byte, error) {
	prefix, err := s.structure(addr, heapPrefixBytes)
	if err != nil {
		return nil, err
	}
	f := newFields(prefix)
	f.signature("HEAP")
	f.version(0)
	f.skip(3)
	size := f.u64()
	f.skip(8) // free list
	segment := f.u64()
	if f.err != nil {
		return nil, f.err
	}
	return s.structure(segment, size)
}

// tree adds the entries below the node at addr to members. The node's level must be
// the wanted one, or any where that is negative, so that a tree cannot contain itself.
func (s *source) tree(addr uint64, wantLevel int, names []byte, members map[string]uint64) error {
	prefix, err := s.structure(addr, treePrefixBytes)
	if err != nil {
		return fmt.Errorf("b-tree: %w", err)
	}
	f := newFields(prefix)
	f.signature("TREE")
	kind, level, used := f.u8(), int(f.u8()), uint64(f.u16())
	switch {
	case f.err != nil:
		return fmt.Errorf("b-tree: %w", f.err)
	case kind != treeOfGroupNodes:
		return fmt.Errorf("%w: B-tree of type %d, want %d", ErrCorrupt, kind, treeOfGroupNodes)
	case level > maxTreeLevel, wantLevel >= 0 && level != wantLevel:
		return fmt.Errorf("%w: B-tree node of level %d, want %d", ErrCorrupt, level, max(wantLevel, maxTreeLevel))
	}
	body, err := s.structure(addr+treePrefixBytes, 16*used)
	if err != nil {
		return fmt.Errorf("b-tree: %w", err)
	}
	for f := newFields(body); len(f.rest) > 0; {
		f.skip(8) // key: the last name in the child before
		child := f.u64()
		if level > 0 {
			err = s.tree(child, level-1, names, members)
		} else {
			err = s.leaf(child, names, members)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leaf adds the entries of the symbol table node at addr to members.
func (s *source) leaf(addr uint64, names []byte, members map[string]uint64) error {
	prefix, err := s.structure(addr, leafPrefixBytes)
	if err != nil {
		return fmt.Errorf("symbol table node: %w", err)
	}
	f := newFields(prefix)
	f.signature("SNOD")
	f.version(1)
	f.skip(1)
	count := uint64(f.u16())
	if f.err != nil {
		return fmt.Errorf("symbol table node: %w", f.err)
	}
	body, err := s.structure(addr+leafPrefixBytes, leafEntryBytes*count)
	if err != nil {
		return fmt.Errorf("symbol table node: %w", err)
	}
	for f := newFields(body); len(f.rest) > 0; {
		name, err := heapName(names, f.u64())
		if err != nil {
			return err
		}
		header, cached := f.u64(), f.u32()
		f.skip(20)
		if cached == entryIsSoftLink {
			return fmt.Errorf("%w: soft link %q", ErrUnsupported, name)
		}
		if _, ok := members[name]; ok {
			return fmt.Errorf("%w: member %q twice", ErrCorrupt, name)
		}
		members[name] = header
	}
	return nil
}

// heapName returns the zero-terminated name at offset in a heap's segment.
func heapName(names []byte, offset uint64) (string, error) {
	if offset >= uint64(len(names)) {
		return "", fmt.Errorf("%w: name at %d of a heap of %d bytes", ErrCorrupt, offset, len(names))
	}
	rest := names[offset:]
	name, _, terminated := bytes.Cut(rest[:min(len(rest), maxNameBytes+1)], []byte{0})
	if !terminated || len(name) == 0 {
		return "", fmt.Errorf("%w: name at %d of the heap is empty or has no end, want 1 to %d bytes", ErrCorrupt, offset, maxNameBytes)
	}
	return string(name), nil
}
