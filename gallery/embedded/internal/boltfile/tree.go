package boltfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// checker goes through a file's pages, each of which belongs to one thing alone.
type checker struct {
	file io.ReaderAt
	meta
	taken []uint64 // a bit a page
	leaf  []byte   // reused
}

// place says what may be in a page of a tree.
type place struct {
	isRoot  bool // it may be empty
	buckets bool // its values are buckets
}

// page is a page with those that belong to it, as far as it has been read.
type page struct {
	id    uint64
	flags uint16
	count int
	size  int64
	b     []byte
}

func (c *checker) damaged(id uint64, format string, arguments ...any) error {
	return fmt.Errorf("%w: page %d: %s", ErrDamaged, id, fmt.Sprintf(format, arguments...))
}

// load reads the head of page id, and of what belongs to it as much as is at once, into
// buffer.
func (c *checker) load(id uint64, buffer []byte) (page, error) {
	if id < 2 || id >= c.pages {
		return page{}, c.damaged(id, "expected 2 to %d", c.pages-1)
	}
	var head [headBytes]byte
	at := int64(id) * c.pageSize
	if err := c.read(head[:], at); err != nil {
		return page{}, err
	}
	p := page{id: id, flags: order.Uint16(head[8:]), count: int(order.Uint16(head[10:]))}
	more := uint64(order.Uint32(head[12:]))
	if own := order.Uint64(head[:]); own != id || more >= c.pages-id {
		return page{}, c.damaged(id, "it says that it is page %d with %d more", own, more)
	}
	for i := id; i <= id+more; i++ {
		if err := c.take(i); err != nil {
			return page{}, err
		}
	}
	p.size = int64(more+1) * c.pageSize
	elements := int64(headBytes + p.count*headBytes)
	if elements > p.size && p.flags != flagFreelist {
		return page{}, c.damaged(id, "it has %d elements in %d bytes", p.count, p.size)
	}
	n := min(max(wholeBytes, elements), p.size)
	if int64(cap(buffer)) < n {
		buffer = make([]byte, n)
	}
	p.b = buffer[:n]
	return p, c.read(p.b, at)
}

func (c *checker) read(b []byte, at int64) error {
	if n, err := c.file.ReadAt(b, at); n < len(b) {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: it is cut off at byte %d, expected more", ErrDamaged, at+int64(n))
		}
		return err
	}
	return nil
}

// take says that a page belongs to what is looked at.
func (c *checker) take(id uint64) error {
	bit := uint64(1) << (id % 64)
	if c.taken[id/64]&bit != 0 {
		return c.damaged(id, "it is used twice, or used and free")
	}
	c.taken[id/64] |= bit
	return nil
}

// freelist takes the list of free pages, and the pages in it.
func (c *checker) freelist(id uint64) error {
	p, err := c.load(id, nil)
	if err != nil {
		return err
	}
	if p.flags != flagFreelist {
		return c.damaged(id, "its flags are %#x, expected a list of free pages, %#x", p.flags, flagFreelist)
	}
	b := make([]byte, p.size-headBytes)
	if err := c.read(b, int64(id)*c.pageSize+headBytes); err != nil {
		return err
	}
	count := uint64(p.count)
	if count == 0xFFFF { // more than its field can say
		count, b = order.Uint64(b), b[8:]
	}
	if count > uint64(len(b)/8) {
		return c.damaged(id, "it lists %d pages in %d bytes", count, len(b))
	}
	for ; count > 0; count, b = count-1, b[8:] {
		free := order.Uint64(b)
		if free < 2 || free >= c.pages {
			return c.damaged(id, "it lists page %d, expected 2 to %d", free, c.pages-1)
		}
		if err := c.take(free); err != nil {
			return err
		}
	}
	return nil
}

// tree checks the part of a tree that is below a page.
func (c *checker) tree(id uint64, within bounds, where place) error {
	p, err := c.load(id, c.leaf)
	if err != nil {
		return err
	}
	switch {
	case p.flags == flagLeaf && (p.count > 0 || where.isRoot):
		c.leaf = p.b
		return c.leaves(&p, within, where)
	case p.flags == flagBranch && p.count > 0:
		c.leaf = nil // it is in use until the pages below are checked
		return c.branches(&p, within, where)
	}
	return c.damaged(id, "its flags are %#x with %d elements, expected a branch or a leaf", p.flags, p.count)
}

func (c *checker) branches(p *page, within bounds, where place) error {
	keys := make([][]byte, p.count)
	for i := range keys {
		element := p.b[headBytes*(i+1):]
		key, err := c.key(p, i, order.Uint32(element), order.Uint32(element[4:]), 0)
		if err != nil {
			return err
		}
		if !within.hold(key) || i > 0 && bytes.Compare(keys[i-1], key) >= 0 {
			return c.damaged(p.id, "key %d is not in its order", i)
		}
		keys[i] = key
	}
	for i, key := range keys {
		below := bounds{from: key, to: within.to}
		if i+1 < len(keys) {
			below.to = keys[i+1]
		}
		child := order.Uint64(p.b[headBytes*(i+1)+8:])
		if err := c.tree(child, below, place{buckets: where.buckets}); err != nil {
			return err
		}
	}
	return nil
}

// key returns the key of an element, whose value must be in the page, too.
func (c *checker) key(p *page, i int, position, keyBytes, valueBytes uint32) ([]byte, error) {
	element := int64(headBytes * (i + 1))
	from := element + int64(position)
	to := from + int64(keyBytes)
	if from < int64(headBytes*(p.count+1)) || to+int64(valueBytes) > p.size || keyBytes == 0 {
		return nil, c.damaged(p.id, "element %d is at %d with %d and %d bytes, expected it behind the %d elements within %d bytes", i, from, keyBytes, valueBytes, p.count, p.size)
	}
	if to <= int64(len(p.b)) {
		return p.b[from:to], nil
	}
	key := make([]byte, keyBytes)
	return key, c.read(key, int64(p.id)*c.pageSize+from)
}

func (c *checker) leaves(p *page, within bounds, where place) error {
	var last []byte
	var buckets []uint64
	for i := range p.count {
		element := p.b[headBytes*(i+1):]
		flags, position, keyBytes, valueBytes := order.Uint32(element), order.Uint32(element[4:]), order.Uint32(element[8:]), order.Uint32(element[12:])
		key, err := c.key(p, i, position, keyBytes, valueBytes)
		if err != nil {
			return err
		}
		if !within.hold(key) || last != nil && bytes.Compare(last, key) >= 0 {
			return c.damaged(p.id, "key %d is not in its order", i)
		}
		last = key
		if isBucket := flags == flagBucket; isBucket != where.buckets || flags&^flagBucket != 0 {
			return c.damaged(p.id, "element %d has flags %#x", i, flags)
		}
		if where.buckets {
			value := int64(headBytes*(i+1)) + int64(position) + int64(keyBytes)
			root, err := c.bucket(p, value, int64(valueBytes))
			if err != nil {
				return err
			}
			buckets = append(buckets, root)
		}
	}
	for _, root := range buckets { // the page's bytes are not needed any more
		if root == 0 {
			continue
		}
		if err := c.tree(root, bounds{}, place{isRoot: true}); err != nil {
			return err
		}
	}
	return nil
}

// bucket returns the root of a bucket, 0 where the bucket is within the value, which it
// checks then.
func (c *checker) bucket(p *page, at, size int64) (root uint64, err error) {
	if size < bucketBytes || at+size > int64(len(p.b)) {
		return 0, c.damaged(p.id, "it has a bucket of %d bytes at %d, expected %d or more within %d", size, at, bucketBytes, len(p.b))
	}
	value := p.b[at : at+size]
	if root = order.Uint64(value); root != 0 {
		return root, nil
	}
	inline := value[bucketBytes:]
	if len(inline) < headBytes {
		return 0, c.damaged(p.id, "it has a bucket of %d bytes, expected a page in it", size)
	}
	within := &page{id: p.id, flags: order.Uint16(inline[8:]), count: int(order.Uint16(inline[10:])), size: int64(len(inline)), b: inline}
	if within.flags != flagLeaf || headBytes*(within.count+1) > len(inline) {
		return 0, c.damaged(p.id, "it has a bucket with flags %#x and %d elements in %d bytes", within.flags, within.count, size)
	}
	return 0, c.leaves(within, bounds{}, place{isRoot: true})
}
