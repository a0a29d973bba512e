package sample_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"siamese/imaging"
	"siamese/train/dataset"
)

// class is a folder and how many images it has.
type class struct {
	name   string
	images int
}

// made opens a dataset of the given classes.
func made(t testing.TB, classes ...class) *dataset.Dataset {
	t.Helper()
	root := t.TempDir()
	for _, c := range classes {
		folder := filepath.Join(root, filepath.FromSlash(c.name))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range c.images {
			name := filepath.Join(folder, fmt.Sprintf("%02d.png", i))
			if err := os.WriteFile(name, square(t, uint8(i)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return opened(t, root, 2)
}

// opened opens a folder at the network's input size given.
func opened(t testing.TB, path string, side int) *dataset.Dataset {
	t.Helper()
	p, err := imaging.New(imaging.Config{Width: side, Height: side})
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := dataset.Open(t.Context(), dataset.Config{Path: path, Preparer: p})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// square is the smallest picture there is, since only names matter here.
func square(t testing.TB, shade uint8) []byte {
	t.Helper()
	canvas := image.NewGray(image.Rect(0, 0, 2, 2))
	canvas.SetGray(0, 0, color.Gray{Y: shade})
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, canvas); err != nil {
		t.Fatal(err)
	}
	return encoded.Bytes()
}

// scripts makes alphabets, each of some characters with images.
func scripts(alphabets, characters, images int) []class {
	var classes []class
	for a := range alphabets {
		for c := range characters {
			classes = append(classes, class{fmt.Sprintf("Script%02d/%02d", a, c), images})
		}
	}
	return classes
}
