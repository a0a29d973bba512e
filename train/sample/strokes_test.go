package sample_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/train/dataset"
	"siamese/train/sample"
)

// stroked is testdata's drawings with their strokes, and twins.
func stroked(t *testing.T) *dataset.Dataset {
	t.Helper()
	d, _, err := opened(t, "../../testdata/omniglot", 64).WithStrokes(t.Context(), dataset.StrokesConfig{Twins: 3, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// isTwin reports whether a name is that of a twin's picture.
func isTwin(name string) bool {
	return strings.Contains(name, "~") && !isAgain(name)
}

func isAgain(name string) bool { return strings.HasSuffix(name, "~again") }

// original is the name of the picture that another one was made of.
func original(name string) string {
	name, _, _ = strings.Cut(name, "~")
	return name
}

func TestTwinsComeWithTheirClasses(t *testing.T) {
	d := stroked(t)
	s, err := sample.NewAllPairs(d, sample.AllPairsConfig{Images: 24, PerClass: 3, Twins: 0.25, Redraw: 0.5, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	drawn, plain, again := 0, 0, 0
	for range 40 {
		batch := s.Next()
		labels := map[int32]string{}    // the class of each label, by a picture's folder
		folders := map[string][]int32{} // the labels of each folder
		for i, image := range batch.Images {
			folder := original(image.Name)[:strings.LastIndex(original(image.Name), "/")]
			if known, ok := labels[batch.Labels[i]]; ok && known != folder {
				t.Fatalf("label %d is of %s and of %s", batch.Labels[i], known, folder)
			}
			labels[batch.Labels[i]] = folder
			if !slices.Contains(folders[folder], batch.Labels[i]) {
				folders[folder] = append(folders[folder], batch.Labels[i])
			}
			twin := isTwin(image.Name)
			if twin != (int(batch.Labels[i]) >= s.Classes()) {
				t.Fatalf("%s has label %d of %d classes", image.Name, batch.Labels[i], s.Classes())
			}
			switch {
			case twin:
				drawn++
			case isAgain(image.Name):
				again++
			default:
				plain++
			}
			if _, err := d.Picture(image); err != nil {
				t.Fatal(err)
			}
		}
		for label, folder := range labels {
			if int(label) >= s.Classes() && len(folders[folder]) != 2 {
				t.Errorf("a twin of %s is in a batch with labels %v, want its class beside it", folder, folders[folder])
			}
		}
		if len(batch.Images) > 24 || len(batch.A) != len(batch.Images)*(len(batch.Images)-1)/2 {
			t.Errorf("a batch has %d images and %d pairs", len(batch.Images), len(batch.A))
		}
	}
	// 2 twins of 3 drawings or less each; of the others half are drawn again.
	if drawn < 120 || drawn > 240 {
		t.Errorf("40 batches have %d pictures of twins, want 120 to 240", drawn)
	}
	if share := float64(again) / float64(again+plain); share < 0.4 || share > 0.6 {
		t.Errorf("%.2f of the pictures are drawn again, want 0.4 to 0.6", share)
	}
}

func TestStrokesAreDrawnAgainAfterRestore(t *testing.T) {
	d := stroked(t)
	cfg := sample.AllPairsConfig{Images: 24, PerClass: 3, Twins: 0.3, Redraw: 0.4, Combine: 0.2, Seed: 5}
	s, err := sample.NewAllPairs(d, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Next()
	state, err := s.State()
	if err != nil {
		t.Fatal(err)
	}
	want := s.Next()
	resumed, err := sample.NewAllPairs(stroked(t), cfg) // of the data opened again
	if err != nil {
		t.Fatal(err)
	}
	if err := resumed.Restore(state); err != nil {
		t.Fatal(err)
	}
	got := resumed.Next()
	if diff := cmp.Diff(want.Labels, got.Labels); diff != "" {
		t.Errorf("labels after Restore (-want +got):\n%s", diff)
	}
	for i, image := range want.Images {
		if image.Name != got.Images[i].Name {
			t.Errorf("image %d after Restore is %s, want %s", i, got.Images[i].Name, image.Name)
		}
	}
}

func TestStrokeSharesAreChecked(t *testing.T) {
	d := stroked(t)
	for _, cfg := range []sample.AllPairsConfig{{Redraw: -0.1}, {Redraw: 1.1}, {Twins: 0.6}, {Twins: -1}, {Twins: 0.5, Combine: 0.5}} {
		if _, err := sample.NewAllPairs(d, cfg); err == nil {
			t.Errorf("NewAllPairs(%+v) = nil, want an error", cfg)
		}
	}
}

func TestWithoutStrokesBatchesAreAsBefore(t *testing.T) {
	plain, err := sample.NewAllPairs(opened(t, "../../testdata/omniglot", 64), sample.AllPairsConfig{Images: 24, PerClass: 3, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	with, err := sample.NewAllPairs(stroked(t), sample.AllPairsConfig{Images: 24, PerClass: 3, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if diff := cmp.Diff(plain.Next().Labels, with.Next().Labels); diff != "" {
			t.Fatalf("batches that take nothing of the strokes are others with them (-without +with):\n%s", diff)
		}
	}
}
