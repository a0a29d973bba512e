package record

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"slices"

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
	sheetGlyph  = 7  // width of a letter
	sheetLine   = 12 // height of a line below a pair
)

// MaxSheetPairs is how many pairs one sheet takes.
const MaxSheetPairs = 64

// Pair is one sample pair of a sheet.
type Pair struct {
	A, B *imaging.Picture // only read
	Same bool             // whether both are of one class
	// Note follows the word above the pair, such as its similarity; Under are lines below
	// it, such as the names of its classes. What is wider than the pair is cut. Empty: none.
	Note  string
	Under []string
}

// Sheet draws 1 to MaxSheetPairs pairs, all pictures of one size, as a PNG: each
// pair side by side under the word "same" or "different", eight pairs a column.
func Sheet(pairs []Pair) ([]byte, error) {
	return SheetColumns(slices.Collect(slices.Chunk(pairs, sheetRows))...)
}

// SheetColumns is Sheet with the pairs of each column given. Lines below the pairs make
// room in all cells.
func SheetColumns(columns ...[]Pair) ([]byte, error) {
	pairs := slices.Concat(columns...)
	if len(pairs) == 0 || len(pairs) > MaxSheetPairs {
		return nil, fmt.Errorf("sheet: received %d pairs, expected 1 to %d", len(pairs), MaxSheetPairs)
	}
	if pairs[0].A == nil {
		return nil, fmt.Errorf("sheet: pair 1 lacks a picture, expected two")
	}
	width, height := pairs[0].A.Width, pairs[0].A.Height
	for i, pair := range pairs {
		for _, picture := range []*imaging.Picture{pair.A, pair.B} {
			if err := checkPicture(picture, width, height); err != nil {
				return nil, fmt.Errorf("sheet: pair %d: %w", i+1, err)
			}
		}
	}
	lines, rows := 0, 0
	for _, pair := range pairs {
		lines = max(lines, len(pair.Under))
	}
	for _, column := range columns {
		rows = max(rows, len(column))
	}
	cell := image.Pt(max(2*width+sheetGap, sheetText)+2*sheetMargin, sheetLabel+height+lines*sheetLine+sheetMargin)
	canvas := image.NewRGBA(image.Rect(0, 0, len(columns)*cell.X, rows*cell.Y+sheetMargin))
	draw.Draw(canvas, canvas.Bounds(), image.NewUniform(color.Gray{0xe8}), image.Point{}, draw.Src)
	for x, column := range columns {
		for y, pair := range column {
			drawPair(canvas, image.Pt(x*cell.X+sheetMargin, y*cell.Y), pair, cell.X-2*sheetMargin)
		}
	}
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, canvas); err != nil {
		return nil, fmt.Errorf("sheet: %w", err)
	}
	return encoded.Bytes(), nil
}

// drawPair fills a cell, with text up to a width.
func drawPair(canvas draw.Image, corner image.Point, pair Pair, text int) {
	drawLabel(canvas, corner.Add(image.Pt(0, sheetLabel-4)), pair, text)
	corner.Y += sheetLabel
	width, height := pair.A.Width, pair.A.Height
	for i, picture := range []*imaging.Picture{pair.A, pair.B} {
		place := image.Rect(0, 0, width, height).Add(corner).Add(image.Pt(i*(width+sheetGap), 0))
		draw.Draw(canvas, place, picture.Image(), image.Point{}, draw.Src)
	}
	for i, line := range pair.Under {
		drawText(canvas, corner.Add(image.Pt(0, height+(i+1)*sheetLine-1)), line, color.Black, text)
	}
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

func drawLabel(canvas draw.Image, baseline image.Point, pair Pair, width int) {
	label, ink := "different", brown
	if pair.Same {
		label, ink = "same", green
	}
	if pair.Note != "" {
		label += " " + pair.Note
	}
	drawText(canvas, baseline, label, ink, width)
}

// drawText cuts what is wider than width, in pixels.
func drawText(canvas draw.Image, baseline image.Point, text string, ink color.Color, width int) {
	letters := []rune(text)
	drawer := font.Drawer{
		Dst: canvas, Src: image.NewUniform(ink), Face: basicfont.Face7x13,
		Dot: fixed.P(baseline.X, baseline.Y),
	}
	drawer.DrawString(string(letters[:min(len(letters), width/sheetGlyph)]))
}
