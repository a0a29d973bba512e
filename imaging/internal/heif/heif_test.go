package heif_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"os"
	"path/filepath"
	"testing"

	"siamese/imaging/internal/heif"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../../testdata/imaging/variants", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParse(t *testing.T) {
	tests := []struct {
		give                 string
		width, height        int
		columns, rows, depth int
		alpha                bool
	}{
		{"heic/chroma_420.heic", 45, 35, 1, 1, 8, false},
		{"heic/alpha.heic", 45, 35, 1, 1, 8, true},
		{"heic/bits_10.heic", 45, 35, 1, 1, 10, false},
		{"heic/bits_12.heic", 45, 35, 1, 1, 12, false},
		{"heic/tiles.heic", 100, 70, 2, 2, 8, false},
		{"heic/turned_6.heic", 30, 40, 1, 1, 8, false},
		{"avif/turned_3.avif", 40, 30, 1, 1, 8, false},
		{"avif/sequence_rgba.avif", 45, 35, 1, 1, 8, true},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			p, err := heif.Parse(read(t, tt.give))
			if err != nil {
				t.Fatal(err)
			}
			c := p.Colour
			if p.Width != tt.width || p.Height != tt.height || c.Columns != tt.columns || c.Rows != tt.rows || c.Depth != tt.depth || (p.Alpha != nil) != tt.alpha {
				t.Errorf("Parse = %dx%d pixels of %d bits in %dx%d tiles, alpha %v, want %+v", p.Width, p.Height, c.Depth, c.Columns, c.Rows, p.Alpha != nil, tt)
			}
			tiles, err := c.Tiles()
			if err != nil || len(tiles) != tt.columns*tt.rows {
				t.Errorf("Tiles returns %d, %v, want %d", len(tiles), err, tt.columns*tt.rows)
			}
		})
	}
}

func TestShow(t *testing.T) {
	stored := &image.Gray{Pix: []byte{1, 2, 3, 4, 5, 6}, Stride: 3, Rect: image.Rect(0, 0, 3, 2)}
	tests := []struct {
		name  string
		give  heif.Step
		want  []byte
		width int
	}{
		{"a quarter turn to the left", heif.Step{Quarter: 1}, []byte{3, 6, 2, 5, 1, 4}, 2},
		{"half a turn", heif.Step{Quarter: 2}, []byte{6, 5, 4, 3, 2, 1}, 3},
		{"a quarter turn to the right", heif.Step{Quarter: 3}, []byte{4, 1, 5, 2, 6, 3}, 2},
		{"top and bottom swapped", heif.Step{Mirror: heif.TopAndBottom}, []byte{4, 5, 6, 1, 2, 3}, 3},
		{"left and right swapped", heif.Step{Mirror: heif.LeftAndRight}, []byte{3, 2, 1, 6, 5, 4}, 3},
		{"cropped", heif.Step{Crop: image.Rect(1, 0, 3, 2)}, []byte{2, 3, 5, 6}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &heif.Picture{Steps: []heif.Step{tt.give}}
			shown, err := p.Show(stored)
			if err != nil {
				t.Fatal(err)
			}
			gray := shown.(*image.Gray)
			var got []byte
			for y := range gray.Rect.Dy() {
				got = append(got, gray.Pix[y*gray.Stride:y*gray.Stride+gray.Rect.Dx()]...)
			}
			if !bytes.Equal(got, tt.want) || gray.Rect.Dx() != tt.width {
				t.Errorf("Show = %v, %d wide, want %v, %d wide", got, gray.Rect.Dx(), tt.want, tt.width)
			}
		})
	}
}

// A list whose entries take no bytes ends, and so does a file of many.
func TestParseBoundsLists(t *testing.T) {
	entries := []byte{1, 0, 0, 0, 0, 0, 0xff, 0xff} // version 1, offsets and lengths of no bytes
	for id := range uint16(0xffff) {
		entries = binary.BigEndian.AppendUint16(entries, id)
		entries = append(entries, 0, 0, 0, 0, 0xff, 0xff)
	}
	meta := append(make([]byte, 4), box("iloc", entries)...)
	if _, err := heif.Parse(box("meta", meta)); err == nil {
		t.Error("Parse of four billion places gave a picture")
	}
}

func box(kind string, payload []byte) []byte {
	return append(append(binary.BigEndian.AppendUint32(nil, uint32(8+len(payload))), kind...), payload...)
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"heic/tiles.heic", "heic/alpha.heic", "avif/sequence_rgba.avif", "avif/alpha.avif"} {
		f.Add(read(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		heif.BrandsOf(data)
		p, err := heif.Parse(data)
		if err != nil {
			return
		}
		tiles, err := p.Colour.Tiles()
		total := int64(0)
		for _, tile := range tiles {
			total += int64(len(tile))
		}
		if err == nil && total > p.Colour.Length() {
			t.Errorf("tiles of %d bytes, more than the %d of Length", total, p.Colour.Length())
		}
	})
}
