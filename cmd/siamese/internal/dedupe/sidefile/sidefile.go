// Package sidefile keeps what is known of a folder's pictures in one file: what each
// file's content is, and what models make of each content. It saves work and nothing
// else: all of it can be made again from the pictures.
//
// The file is a line that says its version, then records, each with its length and a
// checksum. Records are only added, so that a crash costs the last ones at most: a
// record that is cut off or damaged is cut away with all that follows. What nobody
// asks for any more is left out when it makes up most of the file.
package sidefile

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"syscall"
	"time"

	"siamese/cmd/siamese/internal/dedupe/overlap"
	"siamese/gallery"
)

// Sum is the SHA-256 of a file's content.
type Sum = [sha256.Size]byte

// Content is what a file has in it.
type Content struct {
	Sum           Sum
	Width, Height int // pixels as stored; 0: not known
}

// Made is what a model makes of a picture.
type Made struct {
	Vector  gallery.Vector
	Foreign bool // to the model
	Look    overlap.Look
}

// state is what a file was like when its content was read.
type state struct {
	size     int64
	modified int64 // nanoseconds since 1970
	Content
	used bool // asked for in this run
}

// place is where a record is in the file, with its head.
type place struct {
	at, length int64
	of         Sum
	used       bool // its content is in the folder
}

// File is a side file that is open. It belongs to one goroutine.
type File struct {
	path   string
	file   *os.File
	model  Sum // of the words that Open was given
	size   int64
	buffer *bufio.Writer

	files  map[string]state // by path
	made   map[Sum]Made
	pairs  map[pair]float32 // how well the pixels agree
	others []place          // embeddings of other models

	// Damaged is how many bytes at the end were cut away; 0: all was read.
	Damaged int64
}

// head is the first line.
const head = "siamese-index 1\n"

// Errors of Open.
var (
	// ErrInUse says that another process has the file open.
	ErrInUse = errors.New("in use by another program")
	// ErrForeign says that the file is something else.
	ErrForeign = errors.New("not a siamese-index of version 1")
)

// checksums are Castagnoli's.
var checksums = crc32.MakeTable(crc32.Castagnoli)

// Open opens the side file at path, or makes it, for the embeddings that a model makes:
// model tells it, and how pictures are prepared, from all others. The caller closes it.
func Open(path, model string) (*File, error) {
	// A link that somebody put there would have another file written.
	flags := os.O_RDWR | os.O_CREATE | syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_CLOEXEC
	file, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EISDIR) {
		return nil, fmt.Errorf("%w: %w", err, ErrForeign)
	}
	if err != nil {
		return nil, err
	}
	f := &File{path: path, file: file, model: sha256.Sum256([]byte(model)), files: make(map[string]state), made: make(map[Sum]Made), pairs: make(map[pair]float32)}
	if err := f.begin(); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// begin locks the file and reads it.
func (f *File) begin() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("received a file of mode %v: %w", info.Mode(), ErrForeign)
	}
	if err := syscall.Flock(int(f.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return ErrInUse
		}
		return err
	}
	if info.Size() == 0 {
		if _, err := f.file.WriteString(head); err != nil {
			return err
		}
		f.size = int64(len(head))
	} else if err := f.read(info.Size()); err != nil {
		return err
	}
	if _, err := f.file.Seek(f.size, io.SeekStart); err != nil {
		return err
	}
	f.buffer = bufio.NewWriterSize(f.file, 1<<16)
	return nil
}

// Content returns what a file has in it, by its path in the folder; ok reports whether
// it is known, and the file as it was then.
func (f *File) Content(path string, size int64, modified time.Time) (content Content, ok bool) {
	known, ok := f.files[path]
	if !ok || known.size != size || known.modified != modified.UnixNano() {
		return Content{}, false
	}
	known.used = true
	f.files[path] = known
	return known.Content, true
}

// settled is how old a file must be for its time to tell whether it has been changed:
// file systems count in up to two seconds.
const settled = 2 * time.Second

// KeepContent keeps what a file has in it.
func (f *File) KeepContent(path string, size int64, modified time.Time, content Content) error {
	if time.Since(modified) < settled || len(path) > maxPath {
		return nil
	}
	f.files[path] = state{size: size, modified: modified.UnixNano(), Content: content, used: true}
	return f.add(encodeFile(path, f.files[path]))
}

// Made returns what the model makes of a content; ok reports whether it is known.
func (f *File) Made(sum Sum) (made Made, ok bool) {
	made, ok = f.made[sum]
	return made, ok
}

// KeepMade keeps what the model makes of a content.
func (f *File) KeepMade(sum Sum, made Made) error {
	f.made[sum] = made
	return f.add(encodeMade(f.model, sum, made))
}

// Agreement returns how well the pixels of two contents agree, in whichever order; ok
// reports whether it is known.
func (f *File) Agreement(a, b Sum) (agreement float32, ok bool) {
	agreement, ok = f.pairs[pairOf(a, b)]
	return agreement, ok
}

// KeepAgreement keeps how well the pixels of two contents agree, 0 to 1.
func (f *File) KeepAgreement(a, b Sum, agreement float32) error {
	f.pairs[pairOf(a, b)] = agreement
	return f.add(encodePair(pairOf(a, b), agreement))
}

// add writes a record behind the others.
func (f *File) add(payload []byte) error {
	record := binary.LittleEndian.AppendUint32(nil, uint32(len(payload)))
	record = binary.LittleEndian.AppendUint32(record, crc32.Checksum(payload, checksums))
	_, err := f.buffer.Write(append(record, payload...))
	f.size += recordHead + int64(len(payload))
	return err
}

// Sync has all that was kept on disk.
func (f *File) Sync() error {
	if err := f.buffer.Flush(); err != nil {
		return err
	}
	return f.file.Sync()
}

// Close keeps all and ends the file. all says that whatever the folder has was asked
// for or kept, so that the rest may go.
func (f *File) Close(all bool) error {
	err := f.Sync()
	if err == nil && all {
		err = f.compact()
	}
	return errors.Join(err, f.file.Close())
}
