package dataset_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siamese/train/dataset"
)

// damaged has a class of two images, one of three and two files cut short.
func damaged(t *testing.T) files {
	whole := glyph(t, "whole")
	return glyphs(t, 3, "a", "b").
		with("b/02.png", whole[:len(whole)/2]).
		with("c/only.png", whole[:40])
}

func TestStopNamesAllUnreadableImages(t *testing.T) {
	_, _, err := dataset.Open(t.Context(), dataset.Config{Path: damaged(t).archive(t), Preparer: preparer(t)})
	var unreadable *dataset.UnreadableError
	if !errors.As(err, &unreadable) {
		t.Fatalf("Open = %v, want *UnreadableError", err)
	}
	wantNames(t, unreadable.Images, "b/02.png: IMAGE_UNDECODABLE: ", "c/only.png: IMAGE_UNDECODABLE: ")
	wantMessage(t, err, "2 unreadable: 2 .png (damaged): b/02.png: IMAGE_UNDECODABLE")
}

func TestSkipLeavesUnreadableImagesOut(t *testing.T) {
	d, report, err := dataset.Open(t.Context(), dataset.Config{
		Path: damaged(t).folder(t), Preparer: preparer(t), Unreadable: dataset.Skip,
	})
	if err != nil {
		t.Fatal(err)
	}
	wantNames(t, report.Unreadable, "b/02.png: IMAGE_UNDECODABLE: ", "c/only.png: IMAGE_UNDECODABLE: ")
	want := []string{"a/01.png", "a/02.png", "a/03.png", "b/01.png", "b/03.png"}
	if got := imageNames(d); !slices.Equal(got, want) {
		t.Errorf("images = %q, want %q", got, want)
	}
	if report.Classes != 2 || report.Images != 5 {
		t.Errorf("report = %+v, want 2 classes, 5 images", report)
	}
}

// wantNames checks what each line starts with.
func wantNames(t *testing.T, lines []string, prefixes ...string) {
	t.Helper()
	if len(lines) != len(prefixes) {
		t.Fatalf("got %d lines %q, want %d", len(lines), lines, len(prefixes))
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, prefixes[i]) {
			t.Errorf("line %d = %q, want it to start with %q", i, line, prefixes[i])
		}
	}
}

func TestSkipThatLeavesTooLittleIsAnError(t *testing.T) {
	give := glyphs(t, 2, "a").with("b/1.png", glyph(t, "b")[:40])
	_, _, err := dataset.Open(t.Context(), dataset.Config{
		Path: give.folder(t), Preparer: preparer(t), Unreadable: dataset.Skip,
	})
	if !errors.Is(err, dataset.ErrTooFewClasses) {
		t.Errorf("Open = %v, want ErrTooFewClasses", err)
	}
}

func TestLinksToNothingAreToldByName(t *testing.T) {
	root := glyphs(t, 2, "a", "b").folder(t)
	link(t, filepath.Join(root, "gone.png"), filepath.Join(root, "a", "lost.png"))
	_, _, err := dataset.Open(t.Context(), dataset.Config{Path: root, Preparer: preparer(t)})
	var unreadable *dataset.UnreadableError
	if !errors.As(err, &unreadable) {
		t.Fatalf("Open = %v, want *UnreadableError", err)
	}
	wantNames(t, unreadable.Images, "a/lost.png: no such file")
}

func TestUnreadableErrorStaysShort(t *testing.T) {
	err := &dataset.UnreadableError{Images: []string{"a: x", "b: x", "c: x", "d: x", "e: x", "f: x", "g: x"}, Summary: "7 .jpg"}
	const want = "7 unreadable: 7 .jpg: a: x; b: x; c: x; d: x; e: x; and 2 more"
	if got := err.Error(); got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestPictureTellsOfAVanishedFile(t *testing.T) {
	root := album(t).folder(t)
	d, _ := openWithin(t, root, -1)
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	var lost error
	for _, class := range d.Classes() {
		for _, image := range class.Images {
			if _, err := d.Picture(image); err != nil {
				lost = err
			}
		}
	}
	wantMessage(t, lost, `dataset: image "b/`)
	if !errors.Is(lost, os.ErrNotExist) {
		t.Errorf("Picture = %v, want os.ErrNotExist", lost)
	}
}

// phone is a folder as it comes from a phone and a browser.
func phone(t *testing.T) files {
	give := glyphs(t, 3, "a", "b")
	for i := range 3 {
		give.with(fmt.Sprintf("c/IMG_%d.JXL", i), []byte("\xff\x0a\xfa\x1f\x01\x00\xff\x0a"))
	}
	return give.
		with("a/page.png", []byte("<!DOCTYPE html><html>not found</html>")).
		with("a/other.png", []byte("<html>not found</html>")).
		with("b/empty.jpg", nil).
		with("b/note.jpeg", []byte("a note")).
		with("b/zeros.gif", make([]byte, 4096)).
		with("d/readme.txt", []byte("pictures will follow")).
		with("d/film.mp4", []byte("\x00\x00\x00\x18ftypmp42"))
}

const phoneSummary = "3 .jxl, 2 .png (HTML), 1 .gif (zeros), 1 .jpeg (text), 1 .jpg (empty)"

// TestFilesCalledPicturesAreToldOf: by extension and by what they are.
func TestFilesCalledPicturesAreToldOf(t *testing.T) {
	_, _, err := dataset.Open(t.Context(), dataset.Config{Path: phone(t).folder(t), Preparer: preparer(t)})
	wantMessage(t, err, "8 unreadable: "+phoneSummary+": a/other.png: IMAGE_FORMAT_UNKNOWN")
	only := files{}
	for name, content := range phone(t) {
		if name[0] == 'c' || name[0] == 'd' {
			only[name] = content
		}
	}
	_, _, err = dataset.Open(t.Context(), dataset.Config{Path: only.archive(t), Preparer: preparer(t), Unreadable: dataset.Skip})
	if !errors.Is(err, dataset.ErrNoImages) {
		t.Errorf("Open without pictures = %v, want ErrNoImages", err)
	}
	wantMessage(t, err, "received 3 unreadable: 3 .jxl: c/IMG_0.JXL")
}

// TestLostClassesAreNamed: a folder that gives no class is named with what it holds.
func TestLostClassesAreNamed(t *testing.T) {
	root := phone(t).folder(t)
	if err := os.Mkdir(filepath.Join(root, "e"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, report, err := dataset.Open(t.Context(), dataset.Config{Path: root, Preparer: preparer(t), Unreadable: dataset.Skip})
	if err != nil {
		t.Fatal(err)
	}
	if report.Summary != phoneSummary || len(report.Unreadable) != 8 || report.Others != "1 .mp4, 1 .txt" {
		t.Errorf("%d unreadable: %q, others %q; want 8: %q, and a film and a text", len(report.Unreadable), report.Summary, report.Others, phoneSummary)
	}
	if want := []string{"c: 3 .jxl", "d: 1 .mp4, 1 .txt", "e: nothing"}; !slices.Equal(report.Lost, want) {
		t.Errorf("Lost = %q, want %q", report.Lost, want)
	}
}

// TestDigestIsThatOfNamesAndBytes: wherever they lie.
func TestDigestIsThatOfNamesAndBytes(t *testing.T) {
	give := glyphs(t, 2, "a", "b")
	wrapped := files{}
	for name, content := range give {
		wrapped["my/pets/"+name] = content
	}
	_, folder := open(t, give.folder(t))
	for kind, path := range map[string]string{"zip": give.archive(t), "wrapped": wrapped.folder(t), "with a text": give.with("a/x.txt", nil).folder(t)} {
		if _, report := open(t, path); report.Digest != folder.Digest || len(report.Digest) != 64 {
			t.Errorf("digest of a %s = %q, want that of the folder, %q", kind, report.Digest, folder.Digest)
		}
	}
	for kind, path := range map[string]string{
		"another name": glyphs(t, 2, "a", "c").folder(t), "another picture": glyphs(t, 2, "a", "b").with("a/01.png", glyph(t, "x")).folder(t),
	} {
		if _, report := open(t, path); report.Digest == folder.Digest {
			t.Errorf("digest with %s is the same, want another one", kind)
		}
	}
}

// TestFoldersOfNamesInOtherEncodings: names that are no UTF-8, or have backslashes, as
// some programs unpack them.
func TestFoldersOfNamesInOtherEncodings(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"\xc4\xe3\xba\xc3\xca\xc0\xbd\xe7/1.png", "\xc4\xe3\xba\xc3\xca\xc0\xbd\xe7/2.png", `dog\1.png`, `dog\2.png`, `__MACOSX\dog\._1.png`} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Skipf("this file system takes no such names: %v", err)
		}
		if err := os.WriteFile(path, glyph(t, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d, report := open(t, root)
	if want := []string{"dog", "你好世界"}; !slices.Equal(classNames(d), want) || report.Hidden != 1 {
		t.Errorf("classes = %q, %d hidden; want %q and 1", classNames(d), report.Hidden, want)
	}
	if failed := failures(d); failed != 0 {
		t.Errorf("%d pictures failed, want none", failed)
	}
}
