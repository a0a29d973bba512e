package dataset_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"siamese/imaging"
	"siamese/train/dataset"
)

func TestConfigValidate(t *testing.T) {
	tests := []struct {
		name    string
		give    dataset.Config
		wantErr string // empty = valid
	}{
		{"valid", dataset.Config{Path: "x", Preparer: preparer(t)}, ""},
		{"no path", dataset.Config{Preparer: preparer(t)}, "Path is empty"},
		{"no preparer", dataset.Config{Path: "x"}, "Preparer is nil"},
		{"layout", dataset.Config{Path: "x", Preparer: preparer(t), Layout: 5}, "Layout is 5"},
		{"unreadable", dataset.Config{Path: "x", Preparer: preparer(t), Unreadable: -1}, "Unreadable is -1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantMessage(t, tt.give.Validate(), tt.wantErr)
			if _, _, err := dataset.Open(t.Context(), tt.give); tt.wantErr != "" {
				wantMessage(t, err, tt.wantErr)
			}
		})
	}
}

// wantMessage checks that an error says something, or that there is none.
func wantMessage(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("error = %v, want none", err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error = %v, want one that says %q", err, want)
	}
}

func TestOpenRefusesTooLittleData(t *testing.T) {
	tests := []struct {
		name string
		give files
		want error
	}{
		{"nothing", files{}, dataset.ErrNoImages},
		{"no image", files{"a/x.txt": []byte("text"), "b/y.png": nil}, dataset.ErrNoImages},
		{"one class", glyphs(t, 5, "a"), dataset.ErrTooFewClasses},
		{"one class of an alphabet", glyphs(t, 5, "Greek/alpha"), dataset.ErrTooFewClasses},
		{"single images", glyphs(t, 1, "a", "b", "c"), dataset.ErrNoPairs},
		{"images in the root", glyphs(t, 0).with("1.png", glyph(t, "1")).with("2.png", glyph(t, "2")), dataset.ErrLayout},
	}
	for _, tt := range tests {
		for kind, path := range map[string]string{"folder": tt.give.folder(t), "zip": tt.give.archive(t)} {
			t.Run(tt.name+" in a "+kind, func(t *testing.T) {
				d, _, err := dataset.Open(t.Context(), dataset.Config{Path: path, Preparer: preparer(t)})
				if !errors.Is(err, tt.want) || d != nil {
					t.Errorf("Open = %v, %v, want %v", d, err, tt.want)
				}
			})
		}
	}
}

func TestOpenTakesTwoClassesAndASingleImage(t *testing.T) {
	give := glyphs(t, 2, "a").with("b/1.png", glyph(t, "b"))
	d, _ := open(t, give.folder(t))
	if got, want := classNames(d), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("classes = %q, want %q", got, want)
	}
}

func TestOpenRefusesAMissingPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nowhere")
	_, _, err := dataset.Open(t.Context(), dataset.Config{Path: path, Preparer: preparer(t)})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open = %v, want fs.ErrNotExist", err)
	}
	wantMessage(t, err, path)
}

func TestOpenEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := glyphs(t, 2, "a", "b").folder(t)
	_, _, err := dataset.Open(ctx, dataset.Config{Path: path, Preparer: preparer(t)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v, want context.Canceled", err)
	}
}

func TestOpenReadsTheDrawingsOfOmniglot(t *testing.T) {
	p, err := imaging.New(imaging.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d, report, err := dataset.Open(t.Context(), dataset.Config{Path: "../../testdata/omniglot", Preparer: p})
	if err != nil {
		t.Fatal(err)
	}
	want := dataset.Report{
		Layout:    dataset.Omniglot,
		Classes:   20,
		Images:    57,
		Alphabets: 10,
		NotImages: 3,
		Others:    "1 .md, 1 .tsv, 1 without extension", // README.md, pairs.tsv, LICENSE
	}
	if diff := cmp.Diff(want, report, anyDigest); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	first := d.Classes()[0]
	if first.Name != first.Alphabet+"/character20" || first.Alphabet != "Anglo-Saxon_Futhorc" {
		t.Errorf("first class = %q of %q, want character20 of Anglo-Saxon_Futhorc", first.Name, first.Alphabet)
	}
	picture, err := d.Picture(first.Images[0])
	if err != nil || picture.Width != 105 || picture.Height != 105 {
		t.Errorf("Picture = %v, %v, want 105x105 pixels", picture, err)
	}
}

func TestFolderAndArchiveGiveTheSame(t *testing.T) {
	give := glyphs(t, 3, "top/Greek/alpha", "top/Greek/beta", "top/Greek-old/alpha")
	inFolder, folderReport := open(t, give.folder(t))
	inArchive, archiveReport := open(t, give.archive(t))
	if diff := cmp.Diff(inFolder.Classes(), inArchive.Classes(), cmpopts.IgnoreUnexported(dataset.Image{})); diff != "" {
		t.Errorf("classes (-folder +zip):\n%s", diff)
	}
	if diff := cmp.Diff(folderReport, archiveReport); diff != "" {
		t.Errorf("report (-folder +zip):\n%s", diff)
	}
	for i, class := range inFolder.Classes() {
		for j, image := range class.Images {
			want, err := inFolder.Picture(image)
			if err != nil {
				t.Fatal(err)
			}
			got, err := inArchive.Picture(inArchive.Classes()[i].Images[j])
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("Picture(%s) = %v (-folder +zip):\n%s", image.Name, err, diff)
			}
		}
	}
}

func TestClassesAndImagesAreSorted(t *testing.T) {
	// "Greek-old" sorts before "Greek/…" as a path, after it as a folder.
	d, _ := open(t, glyphs(t, 12, "Greek/beta", "Greek-old/alpha", "Greek/alpha").archive(t))
	want := []string{"Greek-old/alpha", "Greek/alpha", "Greek/beta"}
	if got := classNames(d); !slices.Equal(got, want) {
		t.Errorf("classes = %q, want %q", got, want)
	}
	for _, class := range d.Classes() {
		byName := func(a, b dataset.Image) int { return strings.Compare(a.Name, b.Name) }
		if !slices.IsSortedFunc(class.Images, byName) {
			t.Errorf("images of %s are not sorted: %v", class.Name, class.Images)
		}
	}
	if got, want := d.Alphabets(), []string{"Greek", "Greek-old"}; !slices.Equal(got, want) {
		t.Errorf("alphabets = %q, want %q", got, want)
	}
}

func TestClassesBelongToTheCaller(t *testing.T) {
	d, _ := open(t, glyphs(t, 2, "a", "b").folder(t))
	before := imageNames(d)
	d.Classes()[0].Images[0] = dataset.Image{Name: "changed"}
	d.Classes()[1] = dataset.Class{}
	if diff := cmp.Diff(before, imageNames(d)); diff != "" {
		t.Errorf("the dataset changed (-before +after):\n%s", diff)
	}
}

func TestPictureIsSafeForConcurrentUse(t *testing.T) {
	d, _ := open(t, glyphs(t, 4, "a", "b").archive(t))
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for _, class := range d.Classes() {
				for _, image := range class.Images {
					if _, err := d.Picture(image); err != nil {
						t.Errorf("Picture(%s) = %v", image.Name, err)
					}
				}
			}
		})
	}
	readers.Wait()
}

func TestPictureRefusesForeignImages(t *testing.T) {
	give := glyphs(t, 2, "a", "b")
	d, _ := open(t, give.folder(t))
	other, _ := open(t, give.folder(t))
	for name, image := range map[string]dataset.Image{
		"made by hand":       {Name: "a/01.png"},
		"of another dataset": other.Classes()[0].Images[0],
	} {
		if picture, err := d.Picture(image); !errors.Is(err, dataset.ErrForeignImage) || picture != nil {
			t.Errorf("Picture of an image %s = %v, %v, want ErrForeignImage", name, picture, err)
		}
	}
}
