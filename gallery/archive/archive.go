// Package archive copies galleries out of stores and into stores: a backup of one store
// can be restored into any other. It works while the store is in use.
//
// A backup is a line, "siamese-gallery-backup 1\n", of which the number is the version,
// and frames: a byte that says what it is, the length of what follows as 4 bytes, that,
// and the CRC-32C of the three. Numbers are little-endian. Frames are, in this order:
//
//	'I'  the gallery's description as JSON, with a CRC-32C of its own
//	'E'  one an entry: its record (its length as a uvarint, and its bytes), and then
//	     picture and thumbnail likewise, of length 0 where they are not kept
//	'Z'  how many entries there are, 8 bytes, and the SHA-256 of all before this frame
//
// It is not compressed: half of it is the digits of floating-point numbers, of which no
// compressor makes much; it can be piped through one.
package archive

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"siamese/gallery"
	"siamese/gallery/internal/record"
)

const (
	title   = "siamese-gallery-backup "
	version = "1"
	header  = title + version + "\n"

	frameInfo  = 'I'
	frameEntry = 'E'
	frameEnd   = 'Z'

	frameHeadBytes = 5
	checksumBytes  = 4
	endBytes       = 8 + sha256.Size

	// maxFrameBytes is more than any entry has: pictures are bounded by what one
	// message to a server may have.
	maxFrameBytes = 1 << 30

	// pageEntries is how many entries are listed at a time, without what is large, and
	// fetchEntries how many are fetched.
	pageEntries  = 1000
	fetchEntries = 64
)

// Extension is how files of backups are named.
const Extension = ".gallery-backup"

// Write writes a backup of a gallery. Entries that are put or removed meanwhile are in
// it or not; each that is in it is whole. Where entries keep pictures, one is held in
// memory at a time. An error leaves a backup that [Reader] refuses.
func Write(ctx context.Context, store gallery.Store, name string, w io.Writer) error {
	info, err := store.Gallery(ctx, name)
	if err != nil {
		return err
	}
	out := newWriter(w)
	description, err := record.AppendInfo(nil, info)
	if err != nil {
		return err
	}
	out.write([]byte(header))
	out.frame(frameInfo, description)
	if err := eachEntry(ctx, store, info, out.entry); err != nil {
		return fmt.Errorf("back up gallery %q: %w", name, err)
	}
	if err := out.end(); err != nil {
		return fmt.Errorf("back up gallery %q: %w", name, err)
	}
	return nil
}

// eachEntry calls f with each entry of a gallery, until it returns an error. Entries are
// fetched whole, some at a time, and one at a time where they keep pictures.
func eachEntry(ctx context.Context, store gallery.Store, info gallery.Info, f func(*gallery.Entry) error) error {
	atOnce := fetchEntries
	if info.KeepPictures {
		atOnce = 1
	}
	for after := ""; ; {
		page, err := store.List(ctx, info.Name, gallery.Listing{After: after, Limit: pageEntries})
		if err != nil || len(page) == 0 {
			return err
		}
		for some := range slices.Chunk(page, atOnce) {
			if err := fetch(ctx, store, info.Name, some, f); err != nil {
				return err
			}
		}
		after = page[len(page)-1].ID
	}
}

// fetch calls f with the whole of those of the entries that have not been removed since.
func fetch(ctx context.Context, store gallery.Store, name string, some []gallery.Entry, f func(*gallery.Entry) error) error {
	ids := make([]string, len(some))
	for i := range some {
		ids[i] = some[i].ID
	}
	entries, err := store.Get(ctx, name, ids, gallery.Parts{Embedding: true, Picture: true, Thumbnail: true})
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b gallery.Entry) int { return cmp.Compare(a.ID, b.ID) })
	for i := range entries {
		if err := f(&entries[i]); err != nil {
			return err
		}
	}
	return nil
}

// writer writes frames; its first error stays.
type writer struct {
	out     *bufio.Writer
	digest  hash.Hash
	entries uint64
	buffer  []byte
	err     error
}

func newWriter(w io.Writer) *writer {
	digest := sha256.New()
	return &writer{out: bufio.NewWriterSize(io.MultiWriter(w, digest), 1<<18), digest: digest}
}

func (w *writer) write(b []byte) {
	if w.err == nil {
		_, w.err = w.out.Write(b)
	}
}

func (w *writer) frame(kind byte, parts ...[]byte) {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	if size > maxFrameBytes {
		w.err = errors.Join(w.err, fmt.Errorf("received an entry of %d bytes, expected at most %d", size, maxFrameBytes))
		return
	}
	head := binary.LittleEndian.AppendUint32([]byte{kind}, uint32(size))
	w.write(head)
	sum := record.Update(record.Checksum(head), parts...)
	for _, part := range parts {
		w.write(part)
	}
	w.write(binary.LittleEndian.AppendUint32(nil, sum))
}

func (w *writer) entry(e *gallery.Entry) error {
	w.entries++
	w.buffer = record.Append(w.buffer[:0], e)
	w.frame(frameEntry,
		binary.AppendUvarint(nil, uint64(len(w.buffer))), w.buffer,
		binary.AppendUvarint(nil, uint64(len(e.Picture))), e.Picture,
		binary.AppendUvarint(nil, uint64(len(e.Thumbnail))), e.Thumbnail)
	return w.err
}

func (w *writer) end() error {
	if w.err == nil {
		w.err = w.out.Flush()
	}
	w.frame(frameEnd, w.digest.Sum(binary.LittleEndian.AppendUint64(nil, w.entries)))
	if w.err == nil {
		w.err = w.out.Flush()
	}
	return w.err
}
