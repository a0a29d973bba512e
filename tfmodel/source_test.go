package tfmodel_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/tfmodel"
)

func TestExportRefusesAnExistingFolder(t *testing.T) {
	dir := exportTiny(t)
	before := read(t, dir, "assets.extra/model.json")
	err := tfmodel.Export(t.Context(), dir, tinySource(t), tfmodel.Options{})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("Export over a model = %v, want fs.ErrExist", err)
	}
	if string(read(t, dir, "assets.extra/model.json")) != string(before) {
		t.Error("Export over a model changed it")
	}
}

// TestExportLeavesNothingBehind: a model that can't be made leaves no folder.
func TestExportLeavesNothingBehind(t *testing.T) {
	picture := tfmodel.GoldenPair{A: "golden/pattern_a.png", B: "golden/pattern_b.png", Similarity: -1}
	tests := []struct {
		give string
		edit func(*tfmodel.Source)
		want string
	}{
		{"other weights", func(s *tfmodel.Source) { s.Weights = randomWeights(t, tfmodel.VGG16(32, 32), 1) }, "weights"},
		{"no name", func(s *tfmodel.Source) { s.Card.Name = "" }, "name is empty"},
		{"golden pair without pictures", func(s *tfmodel.Source) { s.Card.GoldenPairs = []tfmodel.GoldenPair{picture} }, "pictures were not given"},
		{"golden picture missing", func(s *tfmodel.Source) {
			s.Card.GoldenPairs, s.Pictures = []tfmodel.GoldenPair{picture}, os.DirFS(t.TempDir())
		}, "golden picture"},
		{"wrong golden pair", func(s *tfmodel.Source) {
			s.Card.GoldenPairs = []tfmodel.GoldenPair{picture}
			s.Pictures = os.DirFS(filepath.Join(exportTiny(t), "assets.extra"))
		}, "want -1.000000"},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			source := tinySource(t)
			tt.edit(&source)
			parent := t.TempDir()
			err := tfmodel.Export(t.Context(), filepath.Join(parent, "1"), source, tfmodel.Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Export = %v, want an error with %q", err, tt.want)
			}
			left, err := os.ReadDir(parent)
			must(t, err)
			if len(left) != 0 {
				t.Errorf("Export left %v behind, want nothing", left)
			}
		})
	}
}

// TestExportOfSameSourceIsTheSame: the graph and weights of a model depend on
// nothing but its source, so that a store's key can stand for them.
func TestExportOfSameSourceIsTheSame(t *testing.T) {
	one, two := exportTiny(t), exportTiny(t)
	for _, name := range []string{"saved_model.pb", "variables/variables.data-00000-of-00001", "assets.extra/golden/pattern_b.png"} {
		if string(read(t, one, name)) != string(read(t, two, name)) {
			t.Errorf("%s differs between two exports of the same source", name)
		}
	}
}
