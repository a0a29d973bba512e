package record_test

import (
	"bytes"
	"image/png"
	"strings"
	"testing"

	"siamese/imaging"
	"siamese/train/record"
)

// level is a picture of one level.
func level(side int, of byte) *imaging.Picture {
	return &imaging.Picture{Width: side, Height: side, Pix: bytes.Repeat([]byte{of}, 3*side*side)}
}

func TestGrid(t *testing.T) {
	encoded, err := record.Grid([]string{"one", "two"}, []record.GridRow{
		{Name: "first", Pictures: []*imaging.Picture{nil, level(70, 10)}}, {Name: "second", Pictures: []*imaging.Picture{level(70, 20)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := png.Decode(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	// Cells of 74 by 87 pixels, after a margin of 10 and a line of 17.
	for _, tt := range []struct{ x, y, want int }{{50, 60, 0xe8}, {120, 60, 10}, {50, 150, 20}, {120, 150, 0xe8}} {
		if r, _, _, _ := sheet.At(tt.x, tt.y).RGBA(); int(r>>8) != tt.want {
			t.Errorf("the sheet has %d at %d,%d, want %d", r>>8, tt.x, tt.y, tt.want)
		}
	}
}

func TestGridRefuses(t *testing.T) {
	for want, rows := range map[string][]record.GridRow{
		"received 0 pictures": nil,
		"received 1 pictures": {{Pictures: []*imaging.Picture{nil}}},
		"has 2 pictures":      {{Pictures: []*imaging.Picture{level(3, 0), level(3, 0)}}},
		"a picture is of 4x4": {{Pictures: []*imaging.Picture{level(3, 0)}}, {Pictures: []*imaging.Picture{level(4, 0)}}},
	} {
		if _, err := record.Grid([]string{"one"}, rows); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Grid = %v, want %q in it", err, want)
		}
	}
}
