package record

import "encoding/binary"

// reader takes a record's parts one after the other; once bytes are missing, or are
// none that Append writes, short is set and all that is taken is zero.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) fail() {
	r.b, r.short = nil, true
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail()
		return nil
	}
	taken := r.b[:n:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) uvarint() uint64 {
	value, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return value
}

func (r *reader) varint() int64 {
	value, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return value
}

// count is a uvarint of at most most.
func (r *reader) count(most int) int {
	value := r.uvarint()
	if value > uint64(most) {
		r.fail()
		return 0
	}
	return int(value)
}

func (r *reader) text() []byte { return r.take(r.count(len(r.b))) }

func (r *reader) flag() bool {
	b := r.take(1)
	if b == nil || b[0] > 1 {
		r.fail()
		return false
	}
	return b[0] == 1
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) metadata(record *Record) {
	record.pairs = r.count(len(r.b))
	from := r.b
	for range record.pairs {
		r.text()
		r.text()
	}
	record.metadata = from[:len(from)-len(r.b)]
}

// vector takes all that is left.
func (r *reader) vector(record *Record) {
	record.length = r.count(MaxLength)
	record.sparse = r.flag()
	record.stored = r.count(record.length)
	if !record.sparse && record.stored != record.length || record.stored*4 > len(r.b) {
		r.fail()
	}
	record.embedding = r.take(len(r.b))
}
