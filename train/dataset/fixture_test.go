package dataset_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"siamese/imaging"
	"siamese/train/dataset"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// side is the network's input in these tests, small to be quick.
const side = 8

// files are a tree's contents by path, divided by "/".
type files map[string][]byte

// glyph is a picture of its own for every name, already at the network's size.
func glyph(t testing.TB, name string) []byte {
	t.Helper()
	hash := fnv.New64a()
	hash.Write([]byte(name))
	seed := hash.Sum64()
	canvas := image.NewGray(image.Rect(0, 0, side, side))
	for i := range side * side {
		canvas.SetGray(i%side, i/side, color.Gray{Y: uint8(255 * (seed >> i & 1))})
	}
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, canvas); err != nil {
		t.Fatal(err)
	}
	return encoded.Bytes()
}

// rotations are the dataset's classes with their quarter turns.
func rotations(t *testing.T, d *dataset.Dataset) (*dataset.Dataset, error) {
	t.Helper()
	return d.Variants(t.Context(), dataset.VariantsConfig{Rotations: true})
}

// glyphs gives each folder perFolder images.
func glyphs(t testing.TB, perFolder int, folders ...string) files {
	t.Helper()
	made := files{}
	for _, folder := range folders {
		for i := range perFolder {
			name := fmt.Sprintf("%s/%02d.png", folder, i+1)
			made[name] = glyph(t, name)
		}
	}
	return made
}

// with adds a file.
func (f files) with(name string, content []byte) files {
	f[name] = content
	return f
}

// folder writes the files to disk and gives the root's path.
func (f files) folder(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range f {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// archive writes the files to a zip file and gives its path.
func (f files) archive(t testing.TB) string {
	t.Helper()
	var packed bytes.Buffer
	writer := zip.NewWriter(&packed)
	for name, content := range f {
		entry, err := writer.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		entry.Write(content)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "data.zip")
	if err := os.WriteFile(path, packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// preparer prepares pictures of side x side.
func preparer(t testing.TB) *imaging.Preparer {
	t.Helper()
	p, err := imaging.New(imaging.Config{Width: side, Height: side})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// open opens a dataset that must be fine.
func open(t testing.TB, path string) (*dataset.Dataset, dataset.Report) {
	t.Helper()
	d, report, err := dataset.Open(t.Context(), dataset.Config{Path: path, Preparer: preparer(t)})
	if err != nil {
		t.Fatalf("Open(%q) = %v", path, err)
	}
	t.Cleanup(func() { d.Close() })
	return d, report
}

// openWithin opens a dataset with so much memory for decoded pictures.
func openWithin(t testing.TB, path string, pixelBytes int64) (*dataset.Dataset, dataset.Report) {
	t.Helper()
	d, report, err := dataset.Open(t.Context(), dataset.Config{Path: path, Preparer: preparer(t), PixelBytes: pixelBytes})
	if err != nil {
		t.Fatalf("Open(%q) = %v", path, err)
	}
	t.Cleanup(func() { d.Close() })
	return d, report
}

// classNames lists the names of the classes.
func classNames(d *dataset.Dataset) []string {
	var names []string
	for _, class := range d.Classes() {
		names = append(names, class.Name)
	}
	return names
}

// imageNames lists the names of all images, sorted.
func imageNames(d *dataset.Dataset) []string {
	var names []string
	for _, class := range d.Classes() {
		for _, image := range class.Images {
			names = append(names, image.Name)
		}
	}
	slices.Sort(names)
	return names
}
