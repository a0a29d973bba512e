// Package boltfile checks that a file of bbolt is sound before bbolt maps it. Bbolt
// trusts its pages: one whose bytes a disk has changed can make it read outside the
// file, or follow a page that has itself below it until the stack is full, which ends
// the program. The package reads the file's pages, and of values that are longer than
// a few pages only where they begin.
//
// The form of the file is bbolt's version 2. All numbers are in the machine's order.
package boltfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// ErrDamaged says that a file is not as bbolt writes it.
var ErrDamaged = errors.New("damaged")

const (
	magic       = 0xED0CDAED
	fileVersion = 2

	headBytes    = 16 // of a page, and of a branch's and a leaf's element
	metaBytes    = 64 // without its checksum
	bucketBytes  = 16 // of a bucket's head
	minPageBytes = 1 << 10
	maxPageBytes = 1 << 24

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10
	flagBucket   = 0x01 // of a leaf's element

	// wholeBytes is up to which length pages are read at once.
	wholeBytes = 1 << 16
)

var order = binary.NativeEndian

// Check returns an error that wraps [ErrDamaged] and says where, if the file, which has
// this size, is not sound, and errors of reading as they are. No process may be writing
// to it.
func Check(file io.ReaderAt, size int64) error {
	m, err := readMeta(file, size)
	if err != nil {
		return err
	}
	if m.pages > uint64(size/m.pageSize) {
		return fmt.Errorf("%w: the file has %d bytes, expected %d pages of %d", ErrDamaged, size, m.pages, m.pageSize)
	}
	c := &checker{file: file, meta: m, taken: make([]uint64, m.pages/64+1)}
	if err := c.freelist(m.freelist); err != nil {
		return err
	}
	return c.tree(m.root, bounds{}, place{isRoot: true, buckets: true})
}

// meta is what a file's head says.
type meta struct {
	pageSize                    int64
	root, freelist, pages, txid uint64
}

// readMeta returns the later of the two heads: a machine that stops while it writes one
// leaves the other.
func readMeta(file io.ReaderAt, size int64) (meta, error) {
	first, err := metaAt(file, 0)
	if err != nil {
		return meta{}, err
	}
	if first != nil {
		second, err := metaAt(file, first.pageSize)
		if err != nil {
			return meta{}, err
		}
		if second != nil && second.pageSize == first.pageSize && second.txid > first.txid {
			return *second, nil
		}
		return *first, nil
	}
	for at := int64(minPageBytes); at <= maxPageBytes && at < size; at *= 2 {
		second, err := metaAt(file, at)
		if err != nil {
			return meta{}, err
		}
		if second != nil && second.pageSize == at {
			return *second, nil
		}
	}
	return meta{}, fmt.Errorf("%w: none of the two heads of the file, of %d bytes, is whole", ErrDamaged, size)
}

// metaAt returns the head at a place of the file, nil where there is none that is whole.
func metaAt(file io.ReaderAt, at int64) (*meta, error) {
	var b [headBytes + metaBytes]byte
	if _, err := file.ReadAt(b[:], at); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	head := b[headBytes:]
	sum := fnv.New64a()
	sum.Write(head[:metaBytes-8])
	m := &meta{
		pageSize: int64(order.Uint32(head[8:])),
		root:     order.Uint64(head[16:]),
		freelist: order.Uint64(head[32:]),
		pages:    order.Uint64(head[40:]),
		txid:     order.Uint64(head[48:]),
	}
	whole := order.Uint32(head) == magic && order.Uint32(head[4:]) == fileVersion && order.Uint64(head[56:]) == sum.Sum64()
	if !whole || m.pageSize < minPageBytes || m.pageSize > maxPageBytes {
		return nil, nil
	}
	return m, nil
}

// bounds are the least key that may be in a part of a tree, and the one that is behind
// it; nil: none.
type bounds struct{ from, to []byte }

func (b bounds) hold(key []byte) bool {
	return bytes.Compare(key, b.from) >= 0 && (b.to == nil || bytes.Compare(key, b.to) < 0)
}
