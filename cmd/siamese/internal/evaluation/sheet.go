package evaluation

import (
	"fmt"
	"os"
	"path"
	"strings"

	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/record"
)

// sheetExamples is how many pairs of a sort a sheet shows: a column.
const sheetExamples = 8

// writeSheet draws examples into a file; "" is none.
func writeSheet(file string, data *dataset.Dataset, of evaluate.Examples) error {
	if file == "" {
		return nil
	}
	var columns [][]record.Pair
	for _, sort := range []struct {
		word     string
		examples []evaluate.Example
	}{{"wrong", of.WronglySame}, {"wrong", of.WronglyDifferent}, {"right", of.Right}} {
		var column []record.Pair
		for _, example := range sort.examples {
			pair, err := shown(data, example, sort.word)
			if err != nil {
				return err
			}
			column = append(column, pair)
		}
		if len(column) > 0 {
			columns = append(columns, column)
		}
	}
	sheet, err := record.SheetColumns(columns...)
	if err != nil {
		return err
	}
	return os.WriteFile(file, sheet, 0o644)
}

// shown is an example with its similarity and the names of its classes.
func shown(data *dataset.Dataset, example evaluate.Example, word string) (record.Pair, error) {
	pair := record.Pair{
		Same: example.Same, Note: fmt.Sprintf("%.3f %s", example.Similarity, word),
		Under: []string{shortName(example.ClassA), shortName(example.ClassB)},
	}
	var err error
	if pair.A, err = data.Picture(example.A); err != nil {
		return record.Pair{}, err
	}
	pair.B, err = data.Picture(example.B)
	return pair, err
}

// shortName is a class's name below its kind's, with the kind's where it doesn't begin
// with it: "groc_pack_alpro_soy", but "cloth_polo/72015405".
func shortName(class string) string {
	name, kind := path.Base(class), path.Base(path.Dir(class))
	if kind == "." || strings.HasPrefix(name, kind) {
		return name
	}
	return kind + "/" + name
}
