package dataset_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"siamese/imaging"
	"siamese/train/dataset"
)

// drawn is a picture of strokes, given as corners on a grid of 0 to 8, by an
// unsteady hand: place and corners change with the seed.
func drawn(t *testing.T, seed uint64, strokes ...[]image.Point) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	canvas := image.NewGray(image.Rect(0, 0, drawnSide, drawnSide))
	for i := range canvas.Pix {
		canvas.Pix[i] = 255
	}
	moved := func() float64 { return 7 * (random.Float64() - 0.5) }
	left, top := 10+moved(), 10+moved()
	for _, stroke := range strokes {
		type place struct{ x, y float64 }
		var at []place
		for _, corner := range stroke {
			at = append(at, place{left + 4*float64(corner.X) + moved(), top + 4*float64(corner.Y) + moved()})
		}
		for i := range at[1:] {
			for along := range 65 {
				share := float64(along) / 64
				x, y := at[i].x+share*(at[i+1].x-at[i].x), at[i].y+share*(at[i+1].y-at[i].y)
				canvas.SetGray(int(x), int(y), color.Gray{})
				canvas.SetGray(int(x)+1, int(y), color.Gray{})
				canvas.SetGray(int(x), int(y)+1, color.Gray{})
			}
		}
	}
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, canvas); err != nil {
		t.Fatal(err)
	}
	return encoded.Bytes()
}

const drawnSide = 52

// letters have drawings of ten hands each.
func letters(t *testing.T, strokes map[string][][]image.Point) *dataset.Dataset {
	t.Helper()
	given := files{}
	for name, letter := range strokes {
		for hand := range 10 {
			given[fmt.Sprintf("%s/%d.png", name, hand)] = drawn(t, uint64(hand), letter...)
		}
	}
	preparer, err := imaging.New(imaging.Config{Width: drawnSide, Height: drawnSide})
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := dataset.Open(t.Context(), dataset.Config{Path: given.folder(t), Preparer: preparer})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var (
	letterO = [][]image.Point{{{0, 0}, {8, 0}, {8, 8}, {0, 8}, {0, 0}}}
	letterA = [][]image.Point{{{0, 8}, {4, 0}, {8, 8}}, {{2, 5}, {6, 5}}}
	letterF = [][]image.Point{{{8, 0}, {0, 0}, {0, 8}}, {{0, 3}, {5, 3}}}
	letterB = [][]image.Point{{{0, 0}, {0, 8}, {5, 8}, {5, 4}, {0, 4}}}
	letterD = [][]image.Point{{{5, 0}, {5, 8}, {0, 8}, {0, 4}, {5, 4}}}
)

func TestVariants(t *testing.T) {
	all := []string{"", "@180", "@270", "@90", "@mirror", "@mirror180", "@mirror270", "@mirror90"}
	both := dataset.VariantsConfig{Rotations: true, Mirrors: true}
	distinct := dataset.VariantsConfig{Rotations: true, Mirrors: true, Distinct: true}
	tests := []struct {
		name    string
		give    dataset.VariantsConfig
		letters map[string][][]image.Point
		want    map[string][]string // endings of the classes' names
	}{
		{"nothing", dataset.VariantsConfig{}, map[string][][]image.Point{"F": letterF, "O": letterO},
			map[string][]string{"F": {""}, "O": {""}}},
		{"mirrors", dataset.VariantsConfig{Mirrors: true}, map[string][][]image.Point{"F": letterF, "O": letterO},
			map[string][]string{"F": {"", "@mirror"}, "O": {"", "@mirror"}}},
		{"mirrors that are distinct", dataset.VariantsConfig{Mirrors: true, Distinct: true}, map[string][][]image.Point{"F": letterF, "O": letterO},
			map[string][]string{"F": {"", "@mirror"}, "O": {""}}},
		{"turns that are distinct", dataset.VariantsConfig{Rotations: true, Distinct: true}, map[string][][]image.Point{"F": letterF, "O": letterO},
			map[string][]string{"F": {"", "@180", "@270", "@90"}, "O": {""}}},
		{"all eight", both, map[string][][]image.Point{"F": letterF, "O": letterO},
			map[string][]string{"F": all, "O": all}},
		{"symmetry about one axis", distinct, map[string][][]image.Point{"F": letterF, "A": letterA},
			map[string][]string{"F": all, "A": {"", "@180", "@270", "@90"}}},
		{"a mirror image of another class", distinct, map[string][][]image.Point{"b": letterB, "d": letterD},
			map[string][]string{"b": {"", "@180", "@270", "@90"}, "d": {"", "@180", "@270", "@90"}}},
		{"a mirror image of a class elsewhere", distinct,
			map[string][][]image.Point{"Greek/b": letterB, "Greek/O": letterO, "Latin/d": letterD, "Latin/O": letterO},
			map[string][]string{"Greek/b": all, "Greek/O": {""}, "Latin/d": all, "Latin/O": {""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			made, err := letters(t, tt.letters).Variants(t.Context(), tt.give)
			if err != nil {
				t.Fatal(err)
			}
			if got, most := len(made.Classes()), len(tt.letters)*tt.give.PerClass(); got > most || !tt.give.Distinct && got < most {
				t.Errorf("%d classes, want %d, or fewer that are distinct", got, most)
			}
			got := map[string][]string{}
			for _, class := range made.Classes() {
				name, _, _ := strings.Cut(class.Name, "@")
				got[name] = append(got[name], strings.TrimPrefix(class.Name, name))
			}
			for name, want := range tt.want {
				if !slices.Equal(got[name], want) {
					t.Errorf("variants of %s = %q, want %q", name, got[name], want)
				}
			}
		})
	}
}

func TestPicturesAreMirroredAndThenTurned(t *testing.T) {
	give := glyphs(t, 1, "b").with("a/1.png", corner(t, image.Pt(1, 2))).with("a/2.png", glyph(t, "a"))
	d, _ := open(t, give.folder(t))
	const last = side - 1
	for turns, want := range map[int]image.Point{
		0: image.Pt(last-1, 2), 1: image.Pt(last-2, last-1), 2: image.Pt(1, last-2), 3: image.Pt(2, 1),
	} {
		given := d.Classes()[0].Images[0]
		given.Turns, given.Mirrored = turns, true
		picture, err := d.Picture(given)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.IndexByte(picture.Pix, 9) / 3
		if got := image.Pt(at%side, at/side); got != want {
			t.Errorf("mirrored and after %d turns the dot is at %v, want %v", turns, got, want)
		}
	}
}

func TestVariantsAreRefused(t *testing.T) {
	d, _ := open(t, glyphs(t, 2, "a", "b").folder(t))
	mirrored, err := d.Variants(t.Context(), dataset.VariantsConfig{Mirrors: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rotations(t, mirrored); !errors.Is(err, dataset.ErrRotated) {
		t.Errorf("Rotations of mirrors = %v, want ErrRotated", err)
	}
	if _, _, err := mirrored.Split(dataset.Split{}); !errors.Is(err, dataset.ErrRotated) {
		t.Errorf("Split of mirrors = %v, want ErrRotated", err)
	}
	named, _ := open(t, glyphs(t, 2, "a", "a@mirror").folder(t))
	if _, err := named.Variants(t.Context(), dataset.VariantsConfig{Mirrors: true}); !errors.Is(err, dataset.ErrRotated) {
		t.Errorf("Variants beside a class a@mirror = %v, want ErrRotated", err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := d.Variants(ended, dataset.VariantsConfig{Mirrors: true, Distinct: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("Variants after the context = %v, want context.Canceled", err)
	}
}
