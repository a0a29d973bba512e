package tfmodel_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/tfmodel"
)

// TestReadWeightsGivesWhatWasExported: bit by bit, in the network's order.
func TestReadWeightsGivesWhatWasExported(t *testing.T) {
	dir := exportTiny(t)
	want := randomWeights(t, tiny(), 1)
	for _, give := range []string{dir, filepath.Dir(dir)} {
		set, card, err := tfmodel.ReadWeights(t.Context(), give, tfmodel.Options{})
		must(t, err)
		if diff := cmp.Diff(want.Names(), set.Names()); diff != "" {
			t.Errorf("ReadWeights(%q): names (-want +got):\n%s", give, diff)
		}
		for tensor := range want.All() {
			got, _ := set.Get(tensor.Name)
			if diff := cmp.Diff(tensor, got); diff != "" {
				t.Errorf("ReadWeights(%q): %s (-want +got):\n%s", give, tensor.Name, diff)
			}
		}
		if card.Name != "tiny" || card.Weights.Digest != want.Digest() || len(card.GoldenPairs) != 1 || card.Files != nil {
			t.Errorf("ReadWeights(%q) = card %+v, want that of the exported model without files", give, card)
		}
	}
}

// TestReadSavedModelCanBeExportedAgain: what is read makes the same model.
func TestReadSavedModelCanBeExportedAgain(t *testing.T) {
	first, second := exportTiny(t), filepath.Join(t.TempDir(), "again", "1")
	source, err := tfmodel.ReadSavedModel(t.Context(), first, tfmodel.Options{})
	must(t, err)
	must(t, tfmodel.Export(t.Context(), second, source, tfmodel.Options{}))
	must(t, fs.WalkDir(os.DirFS(first), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && string(read(t, first, name)) != string(read(t, second, name)) {
			t.Errorf("%s differs after reading and exporting", name)
		}
		return err
	}))
}

func TestReadWeightsRefuses(t *testing.T) {
	tests := []struct {
		give   string
		damage func(t *testing.T, dir string)
		want   string
	}{
		{"missing folder", func(t *testing.T, dir string) { remove(t, dir) }, "there is no such folder"},
		{"flipped bit", func(t *testing.T, dir string) { flip(t, dir, "variables/variables.data-00000-of-00001") }, "is damaged"},
		{"no card", func(t *testing.T, dir string) { remove(t, dir, "assets.extra/model.json") }, "has no assets.extra/model.json"},
		{"other digest", func(t *testing.T, dir string) {
			must(t, tfmodel.Rehash(dir, func(c *tfmodel.Card) { c.Weights.Digest = "0123" }))
		}, "its card says 0123"},
		{"a variable that the graph has not", func(t *testing.T, dir string) {
			must(t, tfmodel.Rehash(dir, func(c *tfmodel.Card) {
				c.Architecture.Blocks = [][]int{{3, 3}, {4, 4}}
				c.Parameters = c.Architecture.Parameters()
			}))
		}, `variable "block1_conv2/kernel"`},
	}
	for _, tt := range tests {
		t.Run(tt.give, func(t *testing.T) {
			dir := exportTiny(t)
			tt.damage(t, dir)
			_, _, err := tfmodel.ReadWeights(t.Context(), dir, tfmodel.Options{})
			if !errors.Is(err, tfmodel.ErrModel) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ReadWeights = %v, want ErrModel with %q", err, tt.want)
			}
		})
	}
}

func TestReadWeightsEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := tfmodel.ReadWeights(ctx, exportTiny(t), tfmodel.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ReadWeights with a done context = %v, want context.Canceled", err)
	}
	if _, _, err := tfmodel.ReadWeights(t.Context(), exportTiny(t), tfmodel.Options{Device: "tpu"}); err == nil || errors.Is(err, tfmodel.ErrModel) {
		t.Errorf("ReadWeights on a device that is none = %v, want an error about the options", err)
	}
}
