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
	cells := make([][]Cell, len(columns))
	for x, column := range columns {
		for _, pair := range column {
			cells[x] = append(cells[x], pair.cell())
		}
	}
	return drawCells(cells)
}

// cell is a pair under the word that says what it is.
func (p Pair) cell() Cell {
	cell := Cell{Pictures: []*imaging.Picture{p.A, p.B}, Label: "different", Good: p.Same, Under: p.Under}
	if p.Same {
		cell.Label = "same"
	}
	if p.Note != "" {
		cell.Label += " " + p.Note
	}
	return cell
}

// Cell is some pictures side by side, with a line above and lines below them.
type Cell struct {
	Pictures []*imaging.Picture // one or more; only read
	Label    string             // above; what is wider than the column is cut
	Good     bool               // whether Label is green
	Under    []string           // below; cut likewise
}

// Cells draws 1 to MaxSheetPairs cells, all pictures of one size, as a PNG. A column is
// as wide as its widest cell.
func Cells(columns ...[]Cell) ([]byte, error) {
	cells := slices.Concat(columns...)
	if len(cells) == 0 || len(cells) > MaxSheetPairs {
		return nil, fmt.Errorf("sheet: received %d cells, expected 1 to %d", len(cells), MaxSheetPairs)
	}
	for i, cell := range cells {
		if len(cell.Pictures) == 0 || cells[0].Pictures[0] == nil {
			return nil, fmt.Errorf("sheet: cell %d lacks a picture, expected one or more", i+1)
		}
		for _, picture := range cell.Pictures {
			if err := checkPicture(picture, cells[0].Pictures[0].Width, cells[0].Pictures[0].Height); err != nil {
				return nil, fmt.Errorf("sheet: cell %d: %w", i+1, err)
			}
		}
	}
	return drawCells(columns)
}

// drawCells draws cells whose pictures are of one size.
func drawCells(columns [][]Cell) ([]byte, error) {
	cells := slices.Concat(columns...)
	width, height := cells[0].Pictures[0].Width, cells[0].Pictures[0].Height
	lines, rows, across := 0, 0, 0
	for _, cell := range cells {
		lines = max(lines, len(cell.Under))
	}
	widths := columnWidths(columns, width)
	for x, column := range columns {
		rows = max(rows, len(column))
		across += widths[x] + 2*sheetMargin
	}
	tall := sheetLabel + height + lines*sheetLine + sheetMargin
	canvas := image.NewRGBA(image.Rect(0, 0, across, rows*tall+sheetMargin))
	draw.Draw(canvas, canvas.Bounds(), image.NewUniform(color.Gray{0xe8}), image.Point{}, draw.Src)
	left := sheetMargin
	for x, column := range columns {
		for y, cell := range column {
			drawCell(canvas, image.Pt(left, y*tall), cell, widths[x])
		}
		left += widths[x] + 2*sheetMargin
	}
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, canvas); err != nil {
		return nil, fmt.Errorf("sheet: %w", err)
	}
	return encoded.Bytes(), nil
}

// columnWidths are those of the widest cells, in pixels; a column without any is as wide
// as the widest.
func columnWidths(columns [][]Cell, picture int) []int {
	widths := make([]int, len(columns))
	for x, column := range columns {
		for _, cell := range column {
			widths[x] = max(widths[x], len(cell.Pictures)*(picture+sheetGap)-sheetGap, sheetText)
		}
	}
	widest := slices.Max(widths)
	for x, column := range columns {
		if len(column) == 0 {
			widths[x] = widest
		}
	}
	return widths
}

// drawCell fills a cell, with text up to a width.
func drawCell(canvas draw.Image, corner image.Point, cell Cell, text int) {
	ink := brown
	if cell.Good {
		ink = green
	}
	drawText(canvas, corner.Add(image.Pt(0, sheetLabel-4)), cell.Label, ink, text)
	corner.Y += sheetLabel
	width, height := cell.Pictures[0].Width, cell.Pictures[0].Height
	for i, picture := range cell.Pictures {
		place := image.Rect(0, 0, width, height).Add(corner).Add(image.Pt(i*(width+sheetGap), 0))
		draw.Draw(canvas, place, picture.Image(), image.Point{}, draw.Src)
	}
	for i, line := range cell.Under {
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

// drawText cuts what is wider than width, in pixels.
func drawText(canvas draw.Image, baseline image.Point, text string, ink color.Color, width int) {
	letters := []rune(text)
	drawer := font.Drawer{
		Dst: canvas, Src: image.NewUniform(ink), Face: basicfont.Face7x13,
		Dot: fixed.P(baseline.X, baseline.Y),
	}
	drawer.DrawString(string(letters[:min(len(letters), width/sheetGlyph)]))
}
