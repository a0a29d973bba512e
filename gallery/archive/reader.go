package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"siamese/gallery"
	"siamese/gallery/internal/record"
)

// Errors of backups.
var (
	// ErrNoBackup says that what was read is no backup of a gallery.
	ErrNoBackup = errors.New("this is no backup of a gallery")
	// ErrVersion says that a later version of the program wrote the backup.
	ErrVersion = errors.New("a later version wrote this backup")
	// ErrDamaged says that a backup is not what was written, or not all of it.
	ErrDamaged = errors.New("the backup is damaged")
)

// Reader reads a backup, an entry at a time. It is not safe for concurrent use.
type Reader struct {
	in      *bufio.Reader
	digest  hash.Hash
	info    gallery.Info
	entries uint64
	ended   bool
}

// NewReader returns a reader of a backup whose head it has read. Errors: [ErrNoBackup],
// [ErrVersion], [ErrDamaged], and what r says.
func NewReader(r io.Reader) (*Reader, error) {
	reader := &Reader{in: bufio.NewReaderSize(r, 1<<18), digest: sha256.New()}
	if err := reader.title(); err != nil {
		return nil, err
	}
	kind, description, err := reader.frame()
	if err != nil {
		return nil, err
	}
	if kind != frameInfo {
		return nil, fmt.Errorf("%w: received a frame %q first, expected %q", ErrDamaged, kind, frameInfo)
	}
	if reader.info, err = record.ParseInfo(description); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err := gallery.CheckName(reader.info.Name); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return reader, nil
}

func (r *Reader) title() error {
	line := make([]byte, len(header))
	n, err := io.ReadFull(r.in, line)
	switch {
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case !strings.HasPrefix(string(line[:n]), title):
		return fmt.Errorf("%w: it begins with %q, expected %q", ErrNoBackup, line[:n], title)
	case string(line) != header:
		return fmt.Errorf("%w: its head is %q, expected %q", ErrVersion, line[:n], header)
	}
	r.digest.Write(line)
	return nil
}

// Info describes the gallery that the backup is of.
func (r *Reader) Info() gallery.Info { return r.info }

// Next returns the next entry, whole. After the last one it returns io.EOF, if the
// backup is what was written, all of it. Errors: [ErrDamaged], and what the source says.
func (r *Reader) Next() (gallery.Entry, error) {
	if r.ended {
		return gallery.Entry{}, io.EOF
	}
	sum := r.digest.Sum(nil)
	kind, b, err := r.frame()
	if err != nil {
		return gallery.Entry{}, err
	}
	switch kind {
	case frameEntry:
		entry, err := parseEntry(b)
		if err != nil {
			return gallery.Entry{}, fmt.Errorf("%w: entry %d: %w", ErrDamaged, r.entries, err)
		}
		r.entries++
		return entry, nil
	case frameEnd:
		return gallery.Entry{}, r.end(b, sum)
	}
	return gallery.Entry{}, fmt.Errorf("%w: received a frame %q, expected %q or %q", ErrDamaged, kind, frameEntry, frameEnd)
}

func (r *Reader) end(b, sum []byte) error {
	if len(b) != endBytes {
		return fmt.Errorf("%w: its end has %d bytes, expected %d", ErrDamaged, len(b), endBytes)
	}
	if want := binary.LittleEndian.Uint64(b); want != r.entries {
		return fmt.Errorf("%w: it has %d entries, expected %d", ErrDamaged, r.entries, want)
	}
	if want := b[8:]; !bytes.Equal(sum, want) {
		return fmt.Errorf("%w: its SHA-256 is %x, expected %x", ErrDamaged, sum, want)
	}
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.Join(fmt.Errorf("%w: received more behind its end, expected nothing", ErrDamaged), err)
	}
	r.ended = true
	return io.EOF
}

// frame returns the next frame. Memory is taken as bytes come, not as a length says
// that they will.
func (r *Reader) frame() (kind byte, content []byte, err error) {
	var head [frameHeadBytes]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return 0, nil, cut(err)
	}
	size := int64(binary.LittleEndian.Uint32(head[1:]))
	if size > maxFrameBytes {
		return 0, nil, fmt.Errorf("%w: received a frame of %d bytes, expected at most %d", ErrDamaged, size, maxFrameBytes)
	}
	var buffer bytes.Buffer
	buffer.Write(head[:])
	if _, err := io.CopyN(&buffer, r.in, size+checksumBytes); err != nil {
		return 0, nil, cut(err)
	}
	all := buffer.Bytes()
	r.digest.Write(all)
	framed := all[:len(all)-checksumBytes]
	if got, want := record.Checksum(framed), binary.LittleEndian.Uint32(all[len(framed):]); got != want {
		return 0, nil, fmt.Errorf("%w: a frame's checksum is %08x, expected %08x", ErrDamaged, got, want)
	}
	return head[0], framed[frameHeadBytes:], nil
}

// cut says of the end of the source that it came too early.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it is cut off", ErrDamaged)
	}
	return err
}

func parseEntry(b []byte) (gallery.Entry, error) {
	var parts [3][]byte
	for i := range parts {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return gallery.Entry{}, errors.New("its parts are longer than it is")
		}
		if size > 0 {
			parts[i] = b[n : n+int(size) : n+int(size)]
		}
		b = b[n+int(size):]
	}
	if len(b) > 0 {
		return gallery.Entry{}, fmt.Errorf("received %d bytes behind its parts, expected none", len(b))
	}
	parsed, err := record.Parse(parts[0])
	if err != nil {
		return gallery.Entry{}, err
	}
	entry, err := parsed.Entry(true)
	entry.Picture, entry.Thumbnail = parts[1], parts[2]
	return entry, err
}
