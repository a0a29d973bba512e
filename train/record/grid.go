package record

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"

	"siamese/imaging"
)

// MaxGridPictures is how many pictures one grid takes.
const MaxGridPictures = 2000

// GridRow is a row of a grid.
type GridRow struct {
	Name     string             // stands above it
	Pictures []*imaging.Picture // only read; nil: an empty place
}

// Grid draws rows of pictures, all of one size, as a PNG, with words above the columns.
// There is at least one picture, and no row has more than there are columns.
func Grid(columns []string, rows []GridRow) ([]byte, error) {
	first, count := (*imaging.Picture)(nil), 0
	for _, row := range rows {
		for _, picture := range row.Pictures {
			if picture != nil && first == nil {
				first = picture
			}
			count++
		}
	}
	if first == nil || count > MaxGridPictures {
		return nil, fmt.Errorf("grid: received %d pictures, expected 1 to %d", count, MaxGridPictures)
	}
	cell := image.Pt(max(first.Width, sheetText)+2*sheetGap, first.Height+sheetLabel)
	canvas := image.NewRGBA(image.Rect(0, 0, len(columns)*cell.X+2*sheetMargin, len(rows)*cell.Y+sheetLabel+sheetMargin))
	draw.Draw(canvas, canvas.Bounds(), image.NewUniform(color.Gray{0xe8}), image.Point{}, draw.Src)
	for i, word := range columns {
		drawText(canvas, image.Pt(i*cell.X+sheetMargin, sheetLabel-4), word, brown, cell.X)
	}
	for i, row := range rows {
		if len(row.Pictures) > len(columns) {
			return nil, fmt.Errorf("grid: row %q has %d pictures, expected at most %d", row.Name, len(row.Pictures), len(columns))
		}
		if err := drawRow(canvas, image.Pt(sheetMargin, sheetLabel+i*cell.Y), cell.X, row, first); err != nil {
			return nil, err
		}
	}
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, canvas); err != nil {
		return nil, fmt.Errorf("grid: %w", err)
	}
	return encoded.Bytes(), nil
}

// drawRow draws a row with its name above; its pictures are of the first one's size.
func drawRow(canvas draw.Image, corner image.Point, step int, row GridRow, first *imaging.Picture) error {
	drawText(canvas, corner.Add(image.Pt(0, sheetLabel-4)), row.Name, color.Black, canvas.Bounds().Dx())
	for i, picture := range row.Pictures {
		if picture == nil {
			continue
		}
		if err := checkPicture(picture, first.Width, first.Height); err != nil {
			return fmt.Errorf("grid: row %q: %w", row.Name, err)
		}
		place := image.Rect(0, 0, first.Width, first.Height).Add(corner).Add(image.Pt(i*step, sheetLabel))
		draw.Draw(canvas, place, picture.Image(), image.Point{}, draw.Src)
	}
	return nil
}
