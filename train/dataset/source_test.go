package dataset_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"siamese/imaging"
	"siamese/train/dataset"
)

// anyDigest leaves the digest to its own test.
var anyDigest = cmpopts.IgnoreFields(dataset.Report{}, "Digest")

func TestOpenPassesOverWhatIsNoImage(t *testing.T) {
	give := glyphs(t, 2, "a", "b").
		with("a/.hidden.png", glyph(t, "h")).
		with("b/Thumbs.db", []byte("thumbs")).
		with("__MACOSX/a/._01.png", []byte("fork")).
		with("__MACOSX/a/._02.png", []byte("fork")).
		with(".git/config", []byte("git")).
		with("README.md", []byte("# read me")).
		with("a/list.txt", []byte("a list")).
		with("b/notes.txt", nil)
	want := dataset.Report{Layout: dataset.Own, Classes: 2, Images: 4, Hidden: 4, NotImages: 3, Others: "2 .txt, 1 .md"}
	for kind, path := range map[string]string{"folder": give.folder(t), "zip": give.archive(t)} {
		_, got := open(t, path)
		if diff := cmp.Diff(want, got, anyDigest); diff != "" {
			t.Errorf("report of a %s (-want +got):\n%s", kind, diff)
		}
	}
}

func TestArchiveNamesLeadNowhereElse(t *testing.T) {
	give := files{}
	for name, content := range glyphs(t, 2, "a", "b") {
		give["../../"+name] = content
	}
	d, _ := open(t, give.archive(t))
	want := []string{"a/01.png", "a/02.png", "b/01.png", "b/02.png"}
	if got := imageNames(d); !slices.Equal(got, want) {
		t.Errorf("names = %q, want %q", got, want)
	}
}

func TestOpenRefusesOtherFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.zip")
	if err := os.WriteFile(path, []byte("this is no archive"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err := dataset.Open(t.Context(), dataset.Config{Path: path, Preparer: preparer(t)})
	if !errors.Is(err, zip.ErrFormat) {
		t.Errorf("Open of text = %v, want zip.ErrFormat", err)
	}
	_, _, err = dataset.Open(t.Context(), dataset.Config{Path: os.DevNull, Preparer: preparer(t)})
	wantMessage(t, err, "expected a folder or a zip file")
}

// TestOpenPassesOverWhatIsNoFile: a pipe that nobody writes to and a link to an
// endless device among the images hold nobody up.
func TestOpenPassesOverWhatIsNoFile(t *testing.T) {
	path := glyphs(t, 2, "a", "b").folder(t)
	if err := syscall.Mkfifo(filepath.Join(path, "a", "pipe.png"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(path, "b", "endless.png")); err != nil {
		t.Fatal(err)
	}
	_, report := open(t, path)
	if diff := cmp.Diff(dataset.Report{Layout: dataset.Own, Classes: 2, Images: 4, NotImages: 2}, report, anyDigest); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	_, _, err := dataset.Open(t.Context(), dataset.Config{Path: filepath.Join(path, "a", "pipe.png"), Preparer: preparer(t)})
	wantMessage(t, err, "received a named pipe")
}

func TestOpenRefusesEncryptedArchives(t *testing.T) {
	path := glyphs(t, 2, "a", "b").archive(t)
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The flags of the first entry in the archive's directory.
	flags := bytes.Index(packed, []byte("PK\x01\x02")) + 8
	binary.LittleEndian.PutUint16(packed[flags:], 1|binary.LittleEndian.Uint16(packed[flags:]))
	if err := os.WriteFile(path, packed, 0o644); err != nil {
		t.Fatal(err)
	}
	_, _, err = dataset.Open(t.Context(), dataset.Config{Path: path, Preparer: preparer(t)})
	if !errors.Is(err, dataset.ErrEncrypted) {
		t.Errorf("Open = %v, want ErrEncrypted", err)
	}
}

// link makes a symbolic link, where the system lets one.
func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Skipf("this system makes no symbolic links: %v", err)
	}
}

func TestLinksAreFollowedButNotInCircles(t *testing.T) {
	elsewhere := glyphs(t, 2, "dog").folder(t)
	root := glyphs(t, 2, "cat").folder(t)
	link(t, filepath.Join(elsewhere, "dog"), filepath.Join(root, "dog"))
	link(t, root, filepath.Join(root, "cat", "around"))
	link(t, ".", filepath.Join(root, "self"))
	d, report := open(t, root)
	want := []string{"cat/01.png", "cat/02.png", "dog/01.png", "dog/02.png"}
	if got := imageNames(d); !slices.Equal(got, want) {
		t.Errorf("names = %q, want %q", got, want)
	}
	if report.NotImages != 2 {
		t.Errorf("NotImages = %d, want the 2 circles", report.NotImages)
	}
}

// padded is an image file of n bytes: what follows an image is ignored.
func padded(t *testing.T, n int) []byte {
	t.Helper()
	file := make([]byte, n)
	copy(file, glyph(t, "padded"))
	return file
}

// albumSize images of 4 MiB are more than the 64 MiB that are held in memory.
const albumSize = 18

// album is two classes of large files.
func album(t *testing.T) files {
	t.Helper()
	large := padded(t, 4<<20)
	made := files{}
	for i := range albumSize {
		made[fmt.Sprintf("%c/%02d.png", 'a'+i%2, i)] = large
	}
	return made
}

func TestDataBeyondMemoryIsReadAtNeed(t *testing.T) {
	d, report := openWithin(t, album(t).archive(t), -1)
	if report.Images != albumSize {
		t.Fatalf("Images = %d, want %d", report.Images, albumSize)
	}
	if failed := failures(d); failed != 0 {
		t.Errorf("%d pictures failed while the archive is open, want none", failed)
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
	}
	if failed := failures(d); failed == 0 || failed == albumSize {
		t.Errorf("%d pictures failed after Close, want those that are not held and no others", failed)
	}
}

// failures counts the images that give no picture.
func failures(d *dataset.Dataset) int {
	count := 0
	for _, class := range d.Classes() {
		for _, image := range class.Images {
			if _, err := d.Picture(image); err != nil {
				count++
			}
		}
	}
	return count
}

func TestSmallArchivesNeedNoOpenFile(t *testing.T) {
	path := glyphs(t, 2, "a", "b").archive(t)
	d, _ := open(t, path)
	if err := errors.Join(d.Close(), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	if failed := failures(d); failed != 0 {
		t.Errorf("%d pictures failed once the archive is gone, want none", failed)
	}
}

func TestFilesOverTheLimitAreUnreadable(t *testing.T) {
	p, err := imaging.New(imaging.Config{Width: side, Height: side, Limits: imaging.Limits{MaxBytes: 4096}})
	if err != nil {
		t.Fatal(err)
	}
	give := glyphs(t, 2, "a", "b").with("a/huge.png", padded(t, 4097))
	cfg := dataset.Config{Path: give.archive(t), Preparer: p, Unreadable: dataset.Skip}
	_, report, err := dataset.Open(t.Context(), cfg)
	if err != nil || len(report.Unreadable) != 1 {
		t.Fatalf("Open = %v, unreadable %q, want one", err, report.Unreadable)
	}
	wantMessage(t, errors.New(report.Unreadable[0]), "a/huge.png: IMAGE_TOO_LARGE")
}
