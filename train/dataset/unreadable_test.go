package dataset_test

import (
	"errors"
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
	wantMessage(t, err, "unreadable images: 2: b/02.png: IMAGE_UNDECODABLE")
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
	err := &dataset.UnreadableError{Images: []string{"a: x", "b: x", "c: x", "d: x", "e: x", "f: x", "g: x"}}
	const want = "unreadable images: 7: a: x; b: x; c: x; d: x; e: x; and 2 more"
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
