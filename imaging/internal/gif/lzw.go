package gif

import "errors"

// The library's reader of LZW is not used: it asks for nothing behind the last pixel,
// and for codes of 2 to 8 bits.

const (
	maxCodeBits = 12
	tableSize   = 1 << maxCodeBits
)

var (
	errShort  = errors.New("gif: the pixels end before the last one")
	errBroken = errors.New("gif: a code that stands for nothing")
)

// table is the codes that were met: each is another code with a pixel behind it.
type table struct {
	prefix [tableSize]uint16
	pixel  [tableSize]byte
	spare  [tableSize + 1]byte // a code's pixels, at the end

	clear, next     int // the code that empties it, the first that is free
	bits, firstBits int // of a code, now and when it is empty
	last            int // the code before; -1: none
	lastPixel       byte
}

// bytesAsked is after how many packed bytes unpack asks. Each may hold a code of up to
// 4096 pixels.
const bytesAsked = 256

// unpack writes pixels until the frame is full. A block is read only where it is whole;
// empty ones, which should end the pixels, are passed over as Pillow does.
func unpack(packed []byte, bits int, w *frameWriter, ask func() error) error {
	t := &table{clear: 1 << bits, firstBits: bits + 1}
	t.empty()
	var buffer uint64
	have, asked := 0, len(packed)+bytesAsked // what was left when it was asked last
	for {
		if asked-len(packed) >= bytesAsked {
			if err := ask(); err != nil {
				return err
			}
			asked = len(packed)
		}
		block, rest := takeBlock(packed)
		if len(packed) == 0 || len(block) < int(packed[0]) {
			return errShort
		}
		packed = rest
		for _, b := range block {
			buffer |= uint64(b) << have
			for have += 8; have >= t.bits; {
				code := int(buffer & (1<<t.bits - 1))
				buffer, have = buffer>>t.bits, have-t.bits
				if code == t.clear+1 {
					return errShort
				}
				pixels, err := t.read(code)
				if err != nil {
					return err
				}
				if w.write(pixels); w.full {
					return nil
				}
			}
		}
	}
}

func (t *table) empty() {
	t.next, t.bits, t.last = t.clear+2, t.firstBits, -1
}

// read returns the pixels of a code, which are valid until the next one is read, and
// adds the next code: the one before with the first of these pixels.
func (t *table) read(code int) ([]byte, error) {
	switch {
	case code == t.clear:
		t.empty()
		return nil, nil
	case t.last < 0:
		if code > t.clear {
			return nil, errBroken
		}
		t.last, t.lastPixel = code, byte(code)
		t.spare[tableSize] = t.lastPixel
		return t.spare[tableSize:], nil
	case code > t.next:
		return nil, errBroken
	}
	at, c := len(t.spare), code
	if code == t.next { // the code that this one adds
		at--
		t.spare[at] = t.lastPixel
		c = t.last
	}
	for c >= t.clear {
		if at <= 1 || c >= tableSize {
			return nil, errBroken
		}
		at--
		t.spare[at] = t.pixel[c]
		c = int(t.prefix[c])
	}
	at--
	t.spare[at] = byte(c)
	t.lastPixel = byte(c)
	t.add(c)
	t.last = code
	return t.spare[at:], nil
}

// add adds a code where there is room.
func (t *table) add(pixel int) {
	if t.next >= tableSize {
		return
	}
	t.pixel[t.next] = byte(pixel)
	t.prefix[t.next] = uint16(t.last)
	if t.next == 1<<t.bits-1 && t.bits < maxCodeBits {
		t.bits++
	}
	t.next++
}
