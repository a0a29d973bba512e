package record

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"siamese/imaging"
)

// The measures of a sheet in pixels.
const (
	sheetMargin = 10 // around each pair
	sheetGap    = 2  // between the two pictures of a pair
	sheetLabel  = 17 // height of the line above a pair
	sheetText   = 66 // width of the longest label
	sheetRows   = 8  // pairs in a column, before a further column begins
)

// MaxSheetPairs is how many pairs one sheet takes.
const MaxSheetPairs = 64

// Pair is one sample pair of a sheet.
type Pair struct {
	A, B *imaging.Picture // only read
	Same bool             // whether both are of one class
}

// Sheet draws 1 to MaxSheetPairs pairs, all pictures of one size, as a PNG: each
// pair side by side under the word "same" or "different", eight pairs a column.
func Sheet(pairs []Pair) ([]byte, error) {
	if len(pairs) == 0 || len(pairs) > MaxSheetPairs {
		return nil, fmt.Errorf("sheet: received %d pairs, expected 1 to %d", len(pairs), MaxSheetPairs)
	}
	if pairs[0].A == nil {
		return nil, fmt.Errorf("sheet: pair 1 lacks a picture, expected two")
	}
	width, height := pairs[0].A.Width, pairs[0].A.Height
	cell := image.Pt(max(2*width+sheetGap, sheetText)+2*sheetMargin, sheetLabel+height+sheetMargin)
	columns := (len(pairs) + sheetRows - 1) / sheetRows
	canvas := image.NewRGBA(image.Rect(0, 0, columns*cell.X, min(len(pairs), sheetRows)*cell.Y+sheetMargin))
	draw.Draw(canvas, canvas.Bounds(), image.NewUniform(color.Gray{0xe8}), image.Point{}, draw.Src)
	for i, pair := range pairs {
		corner := image.Pt(i/sheetRows*cell.X+sheetMargin, i%sheetRows*cell.Y)
		drawLabel(canvas, corner.Add(image.Pt(0, sheetLabel-4)), pair.Same)
		corner.Y += sheetLabel
		for j, picture := range []*imaging.Picture{pair.A, pair.B} {
			if err := checkPicture(picture, width, height); err != nil {
				return nil, fmt.Errorf("sheet: pair %d: %w", i+1, err)
			}
			place := image.Rect(0, 0, width, height).Add(corner).Add(image.Pt(j*(width+sheetGap), 0))
			draw.Draw(canvas, place, picture.Image(), image.Point{}, draw.Src)
		}
	}
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, canvas); err != nil {
		return nil, fmt.Errorf("sheet: %w", err)
	}
	return encoded.Bytes(), nil
}

// checkPicture refuses what can't be drawn into a cell.
func checkPicture(picture *imaging.Picture, width, height int) error {
	if picture == nil {
		return fmt.Errorf("a picture is missing, expected two of %dx%d", width, height)
	}
	if picture.Width != width || picture.Height != height || len(picture.Pix) != width*height*3 {
		return fmt.Errorf("a picture is of %dx%d in %d bytes, expected %dx%d in %d, as the first of the sheet",
			picture.Width, picture.Height, len(picture.Pix), width, height, width*height*3)
	}
	return nil
}

func drawLabel(canvas draw.Image, baseline image.Point, same bool) {
	label, ink := "different", brown
	if same {
		label, ink = "same", green
	}
	drawer := font.Drawer{
		Dst: canvas, Src: image.NewUniform(ink), Face: basicfont.Face7x13,
		Dot: fixed.P(baseline.X, baseline.Y),
	}
	drawer.DrawString(label)
}
