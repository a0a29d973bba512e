package folds

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"siamese/imaging"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/record"
)

// The columns of a sheet and the cells in each.
const (
	sheetRows       = 8
	sheetPairs      = 2 // columns of each sort of wrong pairs
	sheetTrials     = 2 // columns of wrong trials
	sheetNameLength = 26
)

// Sheet draws as a PNG what the networks are the most wrong about over all folds: two
// columns of different pairs called the same, two of same pairs called different, and two
// of one-shot trials: the query, the right one, and the one that was taken. Pairs are
// those with negatives of one alphabet where there are such. Two classes come twice only
// where too few others are wrong, and a drawing is no pair's twice. The data hold the
// drawings, by name, all of them at one size.
//
// An error says that nothing was wrong, or that the data lack a drawing.
func Sheet(folds []Fold, data *dataset.Dataset) ([]byte, error) {
	drawer := newSheetDrawer(data)
	var columns [][]record.Cell
	for _, examples := range pooledExamples(folds, sheetPairs*sheetRows) {
		columns = append(columns, chunks(drawer.pairs(examples))...)
	}
	columns = append(columns, chunks(drawer.trials(wrongTrials(folds, sheetTrials*sheetRows)))...)
	if drawer.err != nil {
		return nil, fmt.Errorf("sheet: %w", drawer.err)
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("sheet: every pair and every trial was right, expected something wrong to show")
	}
	return record.Cells(columns...)
}

func chunks(cells []record.Cell) [][]record.Cell {
	return slices.Collect(slices.Chunk(cells, sheetRows))
}

// pooledExamples are the pairs most wrongly called the same, and those called different.
// Each pair's similarity is held against its own fold's threshold.
func pooledExamples(folds []Fold, count int) [][]evaluate.Example {
	var same, different []evaluate.Example
	for _, fold := range folds {
		if len(fold.Verification) == 0 {
			continue
		}
		examples := fold.Verification[0].Examples(count)
		same, different = append(same, examples.WronglySame...), append(different, examples.WronglyDifferent...)
	}
	slices.SortStableFunc(same, func(a, b evaluate.Example) int { return cmp.Compare(b.Similarity, a.Similarity) })
	slices.SortStableFunc(different, func(a, b evaluate.Example) int { return cmp.Compare(a.Similarity, b.Similarity) })
	return [][]evaluate.Example{same[:min(count, len(same))], different[:min(count, len(different))]}
}

// wrongTrials are those in which the taken drawing is the farthest above the right one.
// Trials of two classes that came already are left out.
func wrongTrials(folds []Fold, count int) []Trial {
	var wrong []Trial
	for _, fold := range folds {
		for _, trial := range fold.Trials {
			if !trial.Right {
				wrong = append(wrong, trial)
			}
		}
	}
	margin := func(t Trial) float64 { return t.OtherSimilarity - t.Similarity }
	slices.SortStableFunc(wrong, func(a, b Trial) int { return cmp.Compare(margin(b), margin(a)) })
	met := map[[2]string]bool{}
	var kept []Trial
	for _, trial := range wrong {
		classes := [2]string{min(trial.Answer.Class, trial.OtherDrawn.Class), max(trial.Answer.Class, trial.OtherDrawn.Class)}
		if len(kept) < count && !met[classes] {
			kept = append(kept, trial)
		}
		met[classes] = true
	}
	return kept
}

// sheetDrawer finds drawings by name. The first error stays.
type sheetDrawer struct {
	data   *dataset.Dataset
	images map[string]dataset.Image
	err    error
}

func newSheetDrawer(data *dataset.Dataset) *sheetDrawer {
	d := &sheetDrawer{data: data, images: map[string]dataset.Image{}}
	for _, class := range data.Classes() {
		for _, image := range class.Images {
			d.images[image.Name] = image
		}
	}
	return d
}

// pictures are the drawings of some names.
func (d *sheetDrawer) pictures(names ...string) []*imaging.Picture {
	var pictures []*imaging.Picture
	for _, name := range names {
		image, known := d.images[name]
		if !known {
			d.err = cmp.Or(d.err, fmt.Errorf("the data lack %s, expected what was measured", name))
			return nil
		}
		picture, err := d.data.Picture(image)
		d.err = cmp.Or(d.err, err)
		pictures = append(pictures, picture)
	}
	return pictures
}

func (d *sheetDrawer) pairs(examples []evaluate.Example) []record.Cell {
	var cells []record.Cell
	for _, e := range examples {
		cell := record.Cell{
			Pictures: d.pictures(e.A.Name, e.B.Name), Label: "different, called same", Good: e.Same,
			Under: []string{shortName(e.ClassA), shortName(e.ClassB)},
		}
		if e.Same {
			cell.Label, cell.Under = "same, called different", cell.Under[:1]
		}
		cell.Label += fmt.Sprintf(" %.3f", e.Similarity)
		cells = append(cells, cell)
	}
	return cells
}

func (d *sheetDrawer) trials(trials []Trial) []record.Cell {
	var cells []record.Cell
	for _, t := range trials {
		cells = append(cells, record.Cell{
			Pictures: d.pictures(t.Query.Image, t.Answer.Image, t.OtherDrawn.Image),
			Label:    fmt.Sprintf("query, right %.3f, taken %.3f", t.Similarity, t.OtherSimilarity),
			Under:    []string{shortName(t.Answer.Class), "taken: " + shortName(t.OtherDrawn.Class)},
		})
	}
	return cells
}

// shortName is a class's name within a cell: of "Inuktitut_(Canadian_Aboriginal_Syllabics)/character05"
// "Inuktitut_(Canadian_Aborig 05".
func shortName(class string) string {
	alphabet, name := path.Split(class)
	alphabet = strings.TrimSuffix(alphabet, "/")
	if letters := []rune(alphabet); len(letters) > sheetNameLength {
		alphabet = string(letters[:sheetNameLength])
	}
	return strings.TrimSpace(alphabet + " " + strings.TrimPrefix(name, "character"))
}
