package hdf5

import (
	"bytes"
	"fmt"
)

// Kinds of header messages that a file may hold here.
const (
	messageNil          = 0x00
	messageDataspace    = 0x01
	messageDatatype     = 0x03
	messageOldFill      = 0x04
	messageFill         = 0x05
	messageLayout       = 0x08
	messageAttribute    = 0x0c
	messageComment      = 0x0d
	messageOldModified  = 0x0e
	messageContinuation = 0x10
	messageSymbolTable  = 0x11
	messageModified     = 0x12
)

// refused names the known kinds that change what the object means.
var refused = map[uint16]string{
	0x02: "link info (new-style group)",
	0x06: "link (new-style group)",
	0x07: "external data files",
	0x09: "bogus message",
	0x0a: "group info (new-style group)",
	0x0b: "filter pipeline (compressed data)",
	0x0f: "shared message table",
	0x13: "B-tree rank",
	0x14: "driver info",
	0x15: "attribute info (dense attributes)",
	0x16: "reference count",
}

const (
	headerPrefixBytes  = 16
	messagePrefixBytes = 8

	// flagShared says that the body lies elsewhere in the file.
	flagShared = 1 << 1
)

// message is one header message.
type message struct {
	kind uint16
	body []byte
}

// header reads the messages of the object at addr, continuation blocks included.
func (s *source) header(addr uint64) ([]message, error) {
	messages, err := s.messages(addr)
	if err != nil {
		return nil, fmt.Errorf("object header at %d: %w", addr, err)
	}
	return messages, nil
}

// block is a stretch of header messages.
type block struct{ addr, length uint64 }

func (s *source) messages(addr uint64) ([]message, error) {
	count, first, err := s.headerPrefix(addr)
	if err != nil {
		return nil, err
	}
	var messages []message
	blocks := []block{first}
	for seen := 0; len(blocks) > 0 && seen < count; blocks = blocks[1:] {
		body, err := s.structure(blocks[0].addr, blocks[0].length)
		if err != nil {
			return nil, err
		}
		found, err := split(body, count-seen)
		if err != nil {
			return nil, err
		}
		seen += len(found)
		for _, m := range found {
			if m.kind != messageContinuation {
				messages = append(messages, m)
				continue
			}
			f := newFields(m.body)
			blocks = append(blocks, block{f.u64(), f.u64()})
			if f.err != nil {
				return nil, fmt.Errorf("continuation: %w", f.err)
			}
		}
	}
	return messages, nil
}

// headerPrefix returns how many messages a header has and where the first lie.
func (s *source) headerPrefix(addr uint64) (count int, first block, err error) {
	prefix, err := s.structure(addr, headerPrefixBytes)
	if err != nil {
		return 0, block{}, err
	}
	if bytes.HasPrefix(prefix, []byte("OHDR")) {
		return 0, block{}, fmt.Errorf("%w: version 2, want 1", ErrUnsupported)
	}
	f := newFields(prefix)
	f.version(1)
	f.skip(1)
	count = int(f.u16())
	f.skip(4) // links to this object
	return count, block{addr + headerPrefixBytes, uint64(f.u32())}, f.err
}

// split cuts a block into at most limit messages.
func split(block []byte, limit int) ([]message, error) {
	var messages []message
	f := newFields(block)
	for len(messages) < limit && len(f.rest) >= messagePrefixBytes {
		kind, size, flags := f.u16(), int(f.u16()), f.u8()
		f.skip(3)
		m := message{kind, f.take(size)}
		if f.err != nil {
			return nil, fmt.Errorf("message %#x: %w", kind, f.err)
		}
		if err := m.check(flags); err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// check refuses kinds that the package does not know how to honour.
func (m message) check(flags uint8) error {
	switch m.kind {
	case messageDataspace, messageDatatype, messageLayout, messageAttribute,
		messageFill, messageOldFill, messageContinuation, messageSymbolTable:
		if flags&flagShared != 0 {
			return fmt.Errorf("%w: shared message %#x", ErrUnsupported, m.kind)
		}
		return nil
	case messageNil, messageComment, messageOldModified, messageModified:
		return nil
	}
	if name, ok := refused[m.kind]; ok {
		return fmt.Errorf("%w: %s", ErrUnsupported, name)
	}
	return fmt.Errorf("%w: unknown message %#x", ErrUnsupported, m.kind)
}
