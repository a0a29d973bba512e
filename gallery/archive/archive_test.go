package archive_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"siamese/gallery"
	"siamese/gallery/archive"
	"siamese/gallery/embedded"
)

var update = flag.Bool("update", false, "write testdata again")

var everything = gallery.Parts{Embedding: true, Picture: true, Thumbnail: true}

// plain is a store that is not an archive.Restorer.
type plain struct{ gallery.Store }

func open(t *testing.T) *embedded.Store {
	t.Helper()
	store, err := embedded.Open(embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// fill makes a gallery of n entries, some of which keep pictures.
func fill(t *testing.T, store gallery.Store, name string, n int) {
	t.Helper()
	info := gallery.Info{Name: name, Model: "m", ModelDigest: "digest", EmbeddingLength: 8, KeepPictures: n < 100, Created: time.UnixMilli(1e12).UTC()}
	if err := store.Create(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	entries := make([]gallery.Entry, n)
	for i := range entries {
		entries[i] = gallery.Entry{
			ID: fmt.Sprintf("entry %d", i), Thing: fmt.Sprint(i / 3), Metadata: map[string]string{"i": fmt.Sprint(i)},
			Embedding: gallery.NewVector([]float32{0, 0, float32(i), 0, 0, 0, -1, 0}), ModelDigest: "digest",
			PictureDigest: [32]byte{byte(i)}, Familiarity: 0.5, Enrolled: time.UnixMilli(1.2e12 + int64(i)).UTC(),
		}
		if i%2 == 0 {
			entries[i].Picture, entries[i].Thumbnail = bytes.Repeat([]byte{byte(i)}, 999), []byte{1, byte(i)}
		}
		if i%5 == 0 {
			entries[i].ModelDigest, entries[i].Embedding = "older", gallery.NewVector([]float32{1, 2, 3})
		}
	}
	if _, err := store.Put(t.Context(), name, entries); err != nil {
		t.Fatal(err)
	}
}

func backup(t *testing.T, store gallery.Store, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := archive.Write(t.Context(), store, name, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// same fails where two galleries differ in more than their names.
func same(t *testing.T, one gallery.Store, oneName string, other gallery.Store, otherName string) {
	t.Helper()
	want, err := one.Gallery(t.Context(), oneName)
	if err != nil {
		t.Fatal(err)
	}
	got, err := other.Gallery(t.Context(), otherName)
	want.Name = otherName
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("Gallery(%q) = …, %v, want no error (-want +got):\n%s", otherName, err, d)
	}
	listing := gallery.Listing{Limit: 1 << 20, With: everything}
	wantEntries, err := one.List(t.Context(), oneName, listing)
	if err != nil {
		t.Fatal(err)
	}
	gotEntries, err := other.List(t.Context(), otherName, listing)
	if err != nil || !slices.EqualFunc(wantEntries, gotEntries, whole) {
		t.Errorf("List(%q) = …, %v, want no error (-want +got):\n%s", otherName, err, cmp.Diff(wantEntries, gotEntries, cmpopts.EquateEmpty()))
	}
}

// whole reports whether two entries are the same in all that there is of them.
func whole(a, b gallery.Entry) bool {
	return a.Same(&b) && a.Enrolled.Equal(b.Enrolled) && a.Familiarity == b.Familiarity &&
		bytes.Equal(a.Picture, b.Picture) && bytes.Equal(a.Thumbnail, b.Thumbnail)
}

func TestRestore(t *testing.T) {
	for _, n := range []int{0, 1, 90, 1500} { // several groups and pages, with and without pictures
		store, other := open(t), open(t)
		fill(t, store, "a", n)
		written := backup(t, store, "a")
		sources := map[string]func() io.Reader{
			"bytes":         func() io.Reader { return bytes.NewReader(written) },
			"a stream":      func() io.Reader { return iotest.HalfReader(bytes.NewReader(written)) },
			"a pipe's file": func() io.Reader { return pipe(t, written) },
		}
		i := 0
		for name, source := range sources {
			for _, into := range []gallery.Store{other, plain{other}} {
				i++
				restored := fmt.Sprintf("b%d", i)
				if err := archive.Restore(t.Context(), into, restored, source()); err != nil {
					t.Errorf("Restore(%d entries of %s into %T) = %v, want no error", n, name, into, err)
					continue
				}
				same(t, store, "a", other, restored)
			}
		}
		if again := backup(t, store, "a"); !bytes.Equal(written, again) {
			t.Errorf("a backup of %d entries differs from the one before", n)
		}
	}
}

// pipe is a file that can't go back.
func pipe(t *testing.T, b []byte) *os.File {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	go func() {
		w.Write(b)
		w.Close()
	}()
	return r
}

// TestRestoreDamaged changes each byte of a small backup, and cuts it at each place:
// nothing may be made of it.
func TestRestoreDamaged(t *testing.T) {
	store, other := open(t), open(t)
	fill(t, store, "a", 3)
	written := backup(t, store, "a")
	title := len("siamese-gallery-backup ")
	for i := range written {
		changed := bytes.Clone(written)
		changed[i] ^= 0x20
		want := archive.ErrDamaged
		switch {
		case i < title:
			want = archive.ErrNoBackup
		case i < title+2:
			want = archive.ErrVersion
		}
		if err := read(changed); !errors.Is(err, want) {
			t.Errorf("a backup with byte %d changed = %v, want %v", i, err, want)
		}
		if err := read(written[:i]); err == nil {
			t.Errorf("%d of %d bytes of a backup = nil, want an error", i, len(written))
		}
		if i%199 == 0 {
			refuses(t, other, changed, want, fmt.Sprintf("byte %d changed", i))
		}
	}
	refuses(t, other, written[:len(written)-1], archive.ErrDamaged, "a byte too few")
	refuses(t, other, append(bytes.Clone(written), 'x'), archive.ErrDamaged, "a byte too many")
	refuses(t, other, append(bytes.Clone(written), written...), archive.ErrDamaged, "two")
	refuses(t, other, nil, archive.ErrNoBackup, "nothing")
	refuses(t, other, bytes.Replace(written, []byte("backup 1\n"), []byte("backup 2\n"), 1), archive.ErrVersion, "a later version")
	// A frame that says that it is a gigabyte takes no more memory than there are bytes.
	long := append(bytes.Clone(written[:title+2]), 'I', 0, 0, 0, 0x40)
	refuses(t, other, long, archive.ErrDamaged, "a gigabyte that does not come")
}

// read reads a backup to its end.
func read(b []byte) error {
	return archive.Each(context.Background(), bytes.NewReader(b), func(gallery.Info) error { return nil }, func([]gallery.Entry) error { return nil })
}

func refuses(t *testing.T, store gallery.Store, b []byte, want error, what string) {
	t.Helper()
	for _, into := range []gallery.Store{store, plain{store}} {
		if err := archive.Restore(t.Context(), into, "restored", bytes.NewReader(b)); !errors.Is(err, want) {
			t.Errorf("Restore(%s into %T) = %v, want %v", what, into, err, want)
		}
	}
	if all, err := store.Galleries(t.Context()); err != nil || len(all) > 0 {
		t.Fatalf("Galleries() after Restore(%s) = %v, %v, want none", what, all, err)
	}
}

// TestRestoreForged leaves out an entry, or has one twice, with checksums that are right
// but for the digest of all.
func TestRestoreForged(t *testing.T) {
	store, other := open(t), open(t)
	fill(t, store, "a", 3)
	written := backup(t, store, "a")
	frames := split(t, written)
	title := written[:len("siamese-gallery-backup 1\n")]
	for what, order := range map[string][]int{
		"an entry left out": {0, 1, 2, 4}, "an entry twice": {0, 1, 1, 2, 4}, "two exchanged": {0, 2, 1, 3, 4},
		"no description": {1, 2, 3, 4}, "the description twice": {0, 0, 1, 2, 3, 4}, "no end": {0, 1, 2, 3}, "the end alone": {0, 4},
	} {
		forged := bytes.Clone(title)
		for _, i := range order {
			forged = append(forged, frames[i]...)
		}
		refuses(t, other, forged, archive.ErrDamaged, what)
	}
}

// split returns the frames of a backup.
func split(t *testing.T, b []byte) (frames [][]byte) {
	t.Helper()
	for b = b[len("siamese-gallery-backup 1\n"):]; len(b) > 0; {
		n := 5 + int(b[1]) + int(b[2])<<8 + int(b[3])<<16 + int(b[4])<<24 + 4
		frames, b = append(frames, b[:n]), b[n:]
	}
	return frames
}

func TestRestoreKeepsWhatIsThere(t *testing.T) {
	store := open(t)
	fill(t, store, "a", 3)
	written := backup(t, store, "a")
	for _, into := range []gallery.Store{store, plain{store}} {
		if err := archive.Restore(t.Context(), into, "a", bytes.NewReader(written)); !errors.Is(err, gallery.ErrExists) {
			t.Errorf("Restore(into %T, a name that is taken) = %v, want %v", into, err, gallery.ErrExists)
		}
	}
	if !bytes.Equal(written, backup(t, store, "a")) {
		t.Error("the gallery has changed")
	}
}

// failing is a store of which Put fails from some entries on.
type failing struct {
	gallery.Store
	left int
}

func (f *failing) Put(ctx context.Context, name string, entries []gallery.Entry) ([]gallery.Outcome, error) {
	if f.left -= len(entries); f.left < 0 {
		return nil, errors.New("the disk is full")
	}
	return f.Store.Put(ctx, name, entries)
}

func TestRestoreLeavesNothingHalf(t *testing.T) {
	store, other := open(t), open(t)
	fill(t, store, "a", 600)
	written := backup(t, store, "a")
	err := archive.Restore(t.Context(), &failing{other, 300}, "b", bytes.NewReader(written))
	if err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("Restore(into a full store) = %v, want what the store says", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopping := io.MultiReader(bytes.NewReader(written[:len(written)/2]), readerFunc(func(b []byte) (int, error) {
		cancel()
		return copy(b, written[len(written)/2:]), nil
	}))
	if err := archive.Restore(ctx, other, "b", stopping); !errors.Is(err, context.Canceled) {
		t.Errorf("Restore(cancelled half way) = %v, want %v", err, context.Canceled)
	}
	broken := io.MultiReader(bytes.NewReader(written[:len(written)/2]), iotest.ErrReader(os.ErrDeadlineExceeded))
	if err := archive.Restore(t.Context(), other, "b", broken); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Restore(a source that breaks) = %v, want %v", err, os.ErrDeadlineExceeded)
	}
	if all, err := other.Galleries(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("Galleries() = %v, %v, want none", all, err)
	}
}

type readerFunc func(b []byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// full is a writer that fails after left bytes.
type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errors.New("no space")
	}
	return len(b), nil
}

func TestWriteFails(t *testing.T) {
	store := open(t)
	fill(t, store, "a", 600)
	size := len(backup(t, store, "a"))
	for _, left := range []int{0, size / 2, size - 1} {
		if err := archive.Write(t.Context(), store, "a", &full{left}); err == nil {
			t.Errorf("Write(%d of %d bytes fit) = nil, want an error", left, size)
		}
	}
	if err := archive.Write(t.Context(), store, "b", io.Discard); !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("Write(no gallery) = %v, want %v", err, gallery.ErrNotFound)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := archive.Write(ctx, store, "a", io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("Write(cancelled) = %v, want %v", err, context.Canceled)
	}
}

// FuzzReader reads what may be a backup: whatever it is, no panic.
func FuzzReader(f *testing.F) {
	f.Add([]byte("siamese-gallery-backup 1\n"))
	golden, err := os.ReadFile("testdata/version-1.gallery-backup")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := archive.NewReader(bytes.NewReader(b))
		for err == nil {
			_, err = r.Next()
		}
	})
}

// TestGolden reads a backup that version 1 wrote, and writes it again.
func TestGolden(t *testing.T) {
	const path = "testdata/version-1.gallery-backup"
	store := open(t)
	fill(t, store, "golden", 6)
	if *update {
		if err := os.WriteFile(path, backup(t, store, "golden"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := archive.Restore(t.Context(), store, "restored", bytes.NewReader(golden)); err != nil {
		t.Fatal(err)
	}
	same(t, store, "golden", store, "restored")
	if !bytes.Equal(golden, backup(t, store, "golden")) {
		t.Error("version 1 is written otherwise than it was")
	}
}
