package sidefile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"siamese/internal/atomicfile"
)

// read takes in all records, and cuts away what is damaged.
func (f *File) read(size int64) error {
	in := bufio.NewReaderSize(io.NewSectionReader(f.file, 0, size), 1<<20)
	first := make([]byte, len(head))
	if _, err := io.ReadFull(in, first); err != nil || string(first) != head {
		return fmt.Errorf("begins with %q, expected %q: %w", first, head, ErrForeign)
	}
	f.size = int64(len(head))
	var payload []byte
	for f.size < size {
		var err error
		if payload, err = next(in, payload, size-f.size); err != nil {
			if !errors.Is(err, errRecord) {
				return err
			}
			break
		}
		if err := f.take(payload); err != nil {
			break
		}
		f.size += recordHead + int64(len(payload))
	}
	if f.Damaged = size - f.size; f.Damaged > 0 {
		return f.file.Truncate(f.size)
	}
	return nil
}

// next reads the payload of a record into room. errRecord where there is none that is
// whole.
func next(in io.Reader, room []byte, left int64) ([]byte, error) {
	var first [recordHead]byte
	if left < recordHead {
		return nil, errRecord
	}
	if _, err := io.ReadFull(in, first[:]); err != nil {
		return nil, err
	}
	length := int64(binary.LittleEndian.Uint32(first[:]))
	if length == 0 || length > min(maxPayload, left-recordHead) {
		return nil, errRecord
	}
	if int64(cap(room)) < length {
		room = make([]byte, length)
	}
	room = room[:length]
	if _, err := io.ReadFull(in, room); err != nil {
		return nil, err
	}
	if crc32.Checksum(room, checksums) != binary.LittleEndian.Uint32(first[4:]) {
		return nil, errRecord
	}
	return room, nil
}

// take takes in a record that begins at f.size.
func (f *File) take(payload []byte) error {
	switch payload[0] {
	case kindFile:
		path, s, err := decodeFile(payload)
		if err != nil {
			return err
		}
		f.files[path] = s
	case kindPair:
		p, agreement, current, err := decodePair(payload)
		if current {
			f.pairs[p] = agreement
		}
		return err
	case kindMade:
		model, sum, err := madeOf(payload)
		if err != nil {
			return err
		}
		if model != f.model {
			f.others = append(f.others, place{at: f.size, length: recordHead + int64(len(payload)), of: sum})
			return nil
		}
		if f.made[sum], err = decodeMade(payload); err != nil {
			delete(f.made, sum)
			return err
		}
	default:
		return errRecord
	}
	return nil
}

// leastGarbage is how many bytes nobody asks for are always put up with.
const leastGarbage = 1 << 20

// compact writes the file again without what nobody asks for, where that is most of it.
func (f *File) compact() error {
	used := make(map[Sum]bool)
	live := int64(len(head))
	for path, s := range f.files {
		if s.used {
			used[s.Sum] = true
			live += recordHead + fileHead + int64(len(path))
		}
	}
	for sum := range f.made {
		if used[sum] {
			live += recordHead + int64(len(encodeMade(f.model, sum, f.made[sum])))
		}
	}
	for p := range f.pairs {
		if used[p[0]] && used[p[1]] {
			live += recordHead + pairSize
		}
	}
	for i, other := range f.others {
		if f.others[i].used = used[other.of]; f.others[i].used {
			live += other.length
		}
	}
	if garbage := f.size - live; garbage < leastGarbage || garbage < live {
		return nil
	}
	return atomicfile.Replace(f.path, func(w io.Writer) error { return f.copy(w, used) })
}

// copy writes what is used. The old file stays open, and locked, until Close.
func (f *File) copy(w io.Writer, used map[Sum]bool) error {
	in, size, out := f.file, f.size, bufio.NewWriterSize(w, 1<<20)
	defer func() { f.file, f.size = in, size }()
	if _, err := out.WriteString(head); err != nil {
		return err
	}
	f.buffer = out
	for path, s := range f.files {
		if s.used {
			if err := f.add(encodeFile(path, s)); err != nil {
				return err
			}
		}
	}
	for sum, made := range f.made {
		if used[sum] {
			if err := f.add(encodeMade(f.model, sum, made)); err != nil {
				return err
			}
		}
	}
	for p, agreement := range f.pairs {
		if used[p[0]] && used[p[1]] {
			if err := f.add(encodePair(p, agreement)); err != nil {
				return err
			}
		}
	}
	for _, other := range f.others {
		if !other.used {
			continue
		}
		if _, err := io.Copy(out, io.NewSectionReader(in, other.at, other.length)); err != nil {
			return err
		}
	}
	return out.Flush()
}

// Writable reports whether a folder can be written, by making a file in it.
func Writable(dir string) bool {
	file, err := os.CreateTemp(dir, ".siamese-index.try*")
	if err != nil {
		return false
	}
	return errors.Join(file.Close(), os.Remove(file.Name())) == nil
}
