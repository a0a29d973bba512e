package strokes

import (
	"os"
	"slices"

	"siamese/imaging"
	"siamese/train/dataset"
	"siamese/train/record"
	"siamese/train/strokes"
)

// The sheet's columns beside those of the operations.
const (
	sheetAgain = 4 // of each character drawn again
	sheetTwins = 2 // of each twin
)

// sheet draws some characters, evenly over the data, into the file.
func (c *Command) sheet(data *dataset.Dataset) error {
	if c.Sheet == "" {
		return nil
	}
	columns := []string{"drawing", "strokes"}
	for range sheetAgain {
		columns = append(columns, "again")
	}
	for _, operation := range strokes.Operations() {
		for range sheetTwins {
			columns = append(columns, operation.String())
		}
	}
	classes := data.Classes()
	count := min(c.Characters, len(classes))
	var rows []record.GridRow
	for i := range count {
		class := classes[(2*i+1)*len(classes)/(2*count)]
		row, err := characterRow(data, class, c.Side)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	sheet, err := record.Grid(columns, rows)
	if err != nil {
		return err
	}
	return os.WriteFile(c.Sheet, sheet, 0o644)
}

// characterRow shows a character: its first drawing, that one's strokes, what is drawn of
// it again, and a twin by each operation that there is one of.
func characterRow(data *dataset.Dataset, class dataset.Class, side int) (record.GridRow, error) {
	first := class.Images[0]
	shown := []dataset.Image{first}
	for seed := range uint64(sheetAgain) {
		again, _ := data.Redrawn(first, seed)
		shown = append(shown, again)
	}
	row := record.GridRow{Name: class.Name}
	for _, image := range shown {
		picture, err := data.Picture(image)
		if err != nil {
			return record.GridRow{}, err
		}
		row.Pictures = append(row.Pictures, picture)
	}
	parts, pen, _ := data.Strokes(first)
	row.Pictures = slices.Insert(row.Pictures, 1, colored(parts, pen, side))
	for _, operation := range strokes.Operations() {
		pictures, err := twinPictures(data, class, operation)
		if err != nil {
			return record.GridRow{}, err
		}
		row.Pictures = append(row.Pictures, pictures...)
	}
	return row, nil
}

// twinPictures are drawings of a class's first twin by an operation, made of different
// drawings; nil pictures where there is none.
func twinPictures(data *dataset.Dataset, class dataset.Class, operation strokes.Operation) ([]*imaging.Picture, error) {
	pictures := make([]*imaging.Picture, sheetTwins)
	for number := range data.Twins(class) {
		if data.TwinOperation(class, number) != operation {
			continue
		}
		for i := range pictures {
			of := class.Images[i*len(class.Images)/sheetTwins]
			image, err := data.Twin(class, number, of, uint64(i))
			if err != nil {
				continue // this drawing has no strokes
			}
			if pictures[i], err = data.Picture(image); err != nil {
				return nil, err
			}
		}
		break
	}
	return pictures, nil
}

// inks are told apart on white.
var inks = [][3]byte{{230, 25, 75}, {0, 130, 200}, {60, 180, 75}, {245, 130, 48}, {145, 30, 180}, {0, 160, 160}, {240, 50, 230}, {128, 128, 0}}

// colored draws each part in a colour of its own.
func colored(d strokes.Drawing, pen float64, side int) *imaging.Picture {
	p := &imaging.Picture{Width: side, Height: side, Pix: make([]byte, 3*side*side)}
	for i := range p.Pix {
		p.Pix[i] = 255
	}
	for i := range d.Strokes {
		drawn := strokes.Pen{Width: pen / 2, Hard: true}.Draw(strokes.Drawing{Strokes: d.Strokes[i : i+1]}, side, side)
		for at, level := range drawn {
			if level == 0 {
				copy(p.Pix[3*at:], inks[i%len(inks)][:])
			}
		}
	}
	return p
}
