package dataset_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/train/dataset"
)

// alphabets is a tree of alphabets with three characters of four images.
func alphabets(t testing.TB, count int) files {
	t.Helper()
	var folders []string
	for i := range count {
		for _, character := range []string{"a", "b", "c"} {
			folders = append(folders, fmt.Sprintf("Script%02d/%s", i, character))
		}
	}
	return glyphs(t, 4, folders...)
}

func TestSplitValidate(t *testing.T) {
	tests := []struct {
		name    string
		give    dataset.Split
		wantErr string // empty = valid
	}{
		{"zero", dataset.Split{}, ""},
		{"fraction", dataset.Split{Fraction: 0.5}, ""},
		{"count", dataset.Split{By: dataset.ByClass, HoldOut: 2}, ""},
		{"names", dataset.Split{By: dataset.ByAlphabet, Names: []string{"x"}}, ""},
		{"unknown kind", dataset.Split{By: 3}, "By is 3"},
		{"all", dataset.Split{Fraction: 1}, "Fraction is 1"},
		{"less than none", dataset.Split{Fraction: -0.1}, "Fraction is -0.1"},
		{"no number", dataset.Split{Fraction: math.NaN()}, "Fraction is NaN"},
		{"negative count", dataset.Split{By: dataset.ByClass, HoldOut: -1}, "HoldOut is -1"},
		{"count of images", dataset.Split{HoldOut: 3}, "with ByImage"},
		{"names of images", dataset.Split{Names: []string{"x"}}, "with ByImage"},
		{"two ways", dataset.Split{By: dataset.ByClass, HoldOut: 1, Names: []string{"x"}}, "expected one"},
		{"fold", dataset.Split{By: dataset.ByAlphabet, Folds: 5, Fold: 5}, ""},
		{"fold of images", dataset.Split{Folds: 5, Fold: 1}, "Folds is set with ByImage"},
		{"one fold", dataset.Split{By: dataset.ByAlphabet, Folds: 1, Fold: 1}, "Folds is 1, expected 2 or more"},
		{"fold of none", dataset.Split{By: dataset.ByAlphabet, Fold: 1}, "Folds is 0"},
		{"fewer folds than none", dataset.Split{By: dataset.ByAlphabet, Folds: -2, Fold: -1}, "Folds is -2"},
		{"no fold", dataset.Split{By: dataset.ByAlphabet, Folds: 5}, "Fold is 0 of 5, expected 1 to 5"},
		{"fold behind the last", dataset.Split{By: dataset.ByAlphabet, Folds: 5, Fold: 6}, "Fold is 6 of 5"},
		{"fold and count", dataset.Split{By: dataset.ByAlphabet, Folds: 5, Fold: 1, HoldOut: 6}, "expected one"},
		{"fold and names", dataset.Split{By: dataset.ByClass, Folds: 5, Fold: 1, Names: []string{"x"}}, "expected one"},
		{"fold and fraction", dataset.Split{By: dataset.ByClass, Folds: 5, Fold: 1, Fraction: 0.2}, "expected one"},
		{"other two ways", dataset.Split{By: dataset.ByClass, HoldOut: 1, Fraction: 0.1}, "expected one"},
	}
	d, _ := open(t, alphabets(t, 2).folder(t))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantMessage(t, tt.give.Validate(), tt.wantErr)
			if _, _, err := d.Split(tt.give); tt.wantErr != "" {
				wantMessage(t, err, tt.wantErr)
			}
		})
	}
}

func TestSplitSizes(t *testing.T) {
	const byImage, byClass, byAlphabet = dataset.ByImage, dataset.ByClass, dataset.ByAlphabet
	tests := []struct {
		name                      string
		give                      dataset.Split
		wantTrain, wantValidation int // images of 5 alphabets · 3 classes · 4
	}{
		{"images, a tenth less the rounding", dataset.Split{By: byImage, Fraction: 0.12}, 52, 8},
		{"images, half", dataset.Split{By: byImage, Fraction: 0.5}, 30, 30},
		{"classes by default", dataset.Split{By: byClass}, 52, 8},
		{"classes, a third", dataset.Split{By: byClass, Fraction: 1. / 3}, 40, 20},
		{"classes, a number", dataset.Split{By: byClass, HoldOut: 3}, 48, 12},
		{"classes, names", dataset.Split{By: byClass, Names: []string{"Script00/a", "Script03/b"}}, 52, 8},
		{"alphabets by default", dataset.Split{By: byAlphabet}, 48, 12},
		{"alphabets, a number", dataset.Split{By: byAlphabet, HoldOut: 2}, 36, 24},
		{"alphabets, names", dataset.Split{By: byAlphabet, Names: []string{"Script04", "Script01", "Script01"}}, 36, 24},
	}
	d, _ := open(t, alphabets(t, 5).archive(t))
	all := imageNames(d)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.give.Seed = 1
			train, validation, err := d.Split(tt.give)
			if err != nil {
				t.Fatal(err)
			}
			got, held := imageNames(train), imageNames(validation)
			if len(got) != tt.wantTrain || len(held) != tt.wantValidation {
				t.Errorf("parts have %d and %d images, want %d and %d", len(got), len(held), tt.wantTrain, tt.wantValidation)
			}
			both := slices.Concat(got, held)
			slices.Sort(both)
			if diff := cmp.Diff(all, both); diff != "" {
				t.Errorf("the parts together (-all +parts):\n%s", diff)
			}
		})
	}
}

func TestSplitByImageHasTheOriginalSizes(t *testing.T) {
	// The original trainer learns from ⌊0.9·N⌋ of N images: 4,356 of 4,840, 44 of 49.
	d, _ := open(t, glyphs(t, 12, "a", "b", "c", "d").with("a/13.png", glyph(t, "13")).folder(t))
	train, validation, err := d.Split(dataset.Split{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	if got, held := len(imageNames(train)), len(imageNames(validation)); got != 44 || held != 5 {
		t.Errorf("parts have %d and %d images, want ⌊0.9·49⌋ = 44 and 5", got, held)
	}
}

func TestSplitHoldsOutWhatItIsAskedFor(t *testing.T) {
	d, _ := open(t, alphabets(t, 3).folder(t))
	train, validation, err := d.Split(dataset.Split{By: dataset.ByAlphabet, Names: []string{"Script01"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := train.Alphabets(), []string{"Script00", "Script02"}; !slices.Equal(got, want) {
		t.Errorf("training alphabets = %q, want %q", got, want)
	}
	if got, want := validation.Alphabets(), []string{"Script01"}; !slices.Equal(got, want) {
		t.Errorf("validation alphabets = %q, want %q", got, want)
	}
	for _, image := range validation.Classes()[0].Images {
		if _, err := validation.Picture(image); err != nil {
			t.Errorf("Picture(%s) = %v", image.Name, err)
		}
	}
	_, byClass, err := d.Split(dataset.Split{By: dataset.ByClass, Names: []string{"Script00/a", "Script02/c"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := classNames(byClass), []string{"Script00/a", "Script02/c"}; !slices.Equal(got, want) {
		t.Errorf("validation classes = %q, want %q", got, want)
	}
}

// TestFoldsHoldOutEachOnce: over all folds every alphabet or class is held out once, in
// parts that differ by one at most, and the first fold is what is held out by number.
func TestFoldsHoldOutEachOnce(t *testing.T) {
	d, _ := open(t, alphabets(t, 8).archive(t))
	tests := []struct {
		by    dataset.SplitBy
		folds int
		all   []string
		of    func(*dataset.Dataset) []string
	}{
		{dataset.ByAlphabet, 3, d.Alphabets(), (*dataset.Dataset).Alphabets},
		{dataset.ByAlphabet, 4, d.Alphabets(), (*dataset.Dataset).Alphabets},
		{dataset.ByAlphabet, 8, d.Alphabets(), (*dataset.Dataset).Alphabets},
		{dataset.ByClass, 5, classNames(d), classNames},
	}
	for _, tt := range tests {
		var all []string
		for fold := 1; fold <= tt.folds; fold++ {
			split := dataset.Split{By: tt.by, Folds: tt.folds, Fold: fold, Seed: 7}
			learn, held, err := d.Split(split)
			if err != nil {
				t.Fatal(err)
			}
			names := tt.of(held)
			if least := len(tt.all) / tt.folds; len(names) < least || len(names) > least+1 {
				t.Errorf("by %v, fold %d of %d holds out %d of %d", tt.by, fold, tt.folds, len(names), len(tt.all))
			}
			if slices.ContainsFunc(tt.of(learn), func(name string) bool { return slices.Contains(names, name) }) {
				t.Errorf("by %v, fold %d of %d: %q are in both parts", tt.by, fold, tt.folds, names)
			}
			all = append(all, names...)
			if fold > 1 {
				continue
			}
			_, counted, err := d.Split(dataset.Split{By: tt.by, HoldOut: len(names), Seed: 7})
			if err != nil || !slices.Equal(tt.of(counted), names) {
				t.Errorf("by %v, the first fold of %d holds out %q, by number %q are (%v)", tt.by, tt.folds, names, tt.of(counted), err)
			}
		}
		slices.Sort(all)
		if diff := cmp.Diff(slices.Sorted(slices.Values(tt.all)), all); diff != "" {
			t.Errorf("by %v, %d folds together (-all +held out):\n%s", tt.by, tt.folds, diff)
		}
	}
}

func TestSplitFollowsItsSeed(t *testing.T) {
	d, _ := open(t, alphabets(t, 8).archive(t))
	for _, by := range []dataset.SplitBy{dataset.ByImage, dataset.ByClass, dataset.ByAlphabet} {
		held := func(seed uint64) []string {
			_, validation, err := d.Split(dataset.Split{By: by, Fraction: 0.25, Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			return imageNames(validation)
		}
		first := held(1)
		if !slices.Equal(first, held(1)) {
			t.Errorf("by %v: the same seed gave other parts", by)
		}
		differs := func(seed uint64) bool { return !slices.Equal(first, held(seed)) }
		if !slices.ContainsFunc([]uint64{2, 3, 4, 5}, differs) {
			t.Errorf("by %v: five seeds gave the same parts", by)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	omniglot := alphabets(t, 2)
	own := glyphs(t, 4, "a", "b", "c")
	tests := []struct {
		name     string
		data     files
		give     dataset.Split
		want     error  // nil = only the message counts
		wantText string // what the message must say
	}{
		{"alphabets of own data", own, dataset.Split{By: dataset.ByAlphabet}, dataset.ErrNoAlphabets, "split by alphabet"},
		{"an unknown alphabet", omniglot, dataset.Split{By: dataset.ByAlphabet, Names: []string{"script00"}},
			dataset.ErrUnknownName, `received "script00", expected one of 2 such as "Script00"`},
		{"an unknown class", own, dataset.Split{By: dataset.ByClass, Names: []string{"d"}}, dataset.ErrUnknownName, `"d"`},
		{"all alphabets", omniglot, dataset.Split{By: dataset.ByAlphabet, HoldOut: 2}, dataset.ErrHoldOut, "2 of 2 would be"},
		{"more folds than alphabets", omniglot, dataset.Split{By: dataset.ByAlphabet, Folds: 3, Fold: 1}, dataset.ErrHoldOut, "received 3 folds of 2, expected at most one for each"},
		{"folds of one class", own, dataset.Split{By: dataset.ByClass, Folds: 3, Fold: 2}, dataset.ErrTooFewClasses, "the validation part"},
		{"all classes by name", own, dataset.Split{By: dataset.ByClass, Names: []string{"a", "b", "c"}},
			dataset.ErrNoImages, "the training part"},
		{"all classes but one", own, dataset.Split{By: dataset.ByClass, HoldOut: 2}, dataset.ErrTooFewClasses, "the training part"},
		{"one class", own, dataset.Split{By: dataset.ByClass, HoldOut: 1}, dataset.ErrTooFewClasses, "the validation part"},
		{"two pairs", glyphs(t, 2, "a", "b"), dataset.Split{Fraction: 0.1}, dataset.ErrTooFewClasses, "the validation part"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, _ := open(t, tt.data.folder(t))
			train, validation, err := d.Split(tt.give)
			if train != nil || validation != nil {
				t.Errorf("Split gave parts beside %v", err)
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("Split = %v, want %v", err, tt.want)
			}
			wantMessage(t, err, tt.wantText)
		})
	}
}

// TestSplitOfFewImages: every number of classes and images that can be parted is, for
// every seed. By image it takes three images in each part, by class two classes.
func TestSplitOfFewImages(t *testing.T) {
	for classes := 2; classes <= 5; classes++ {
		for images := 1; images <= 6; images++ {
			d, _ := openSmall(t, glyphs(t, images, []string{"a", "b", "c", "d", "e"}[:classes]...))
			if d == nil {
				continue // one image of each: there are no pairs
			}
			for seed := range uint64(20) {
				for by, possible := range map[dataset.SplitBy]bool{
					dataset.ByImage: classes*images >= 6, dataset.ByClass: classes >= 4,
				} {
					learn, held, err := d.Split(dataset.Split{By: by, Seed: seed})
					if (err == nil) != possible {
						t.Errorf("%d classes of %d by %v, seed %d: %v, want it to be possible: %t", classes, images, by, seed, err, possible)
					}
					if err == nil && images >= 4 && by == dataset.ByImage && len(learn.Classes()) != classes {
						t.Errorf("%d classes of %d by %v, seed %d: %q are learnt from, want all", classes, images, by, seed, classNames(learn))
					}
					if err == nil && len(imageNames(learn)) < len(imageNames(held)) {
						t.Errorf("%d classes of %d by %v, seed %d: %d images to learn from and %d held out", classes, images, by, seed, len(imageNames(learn)), len(imageNames(held)))
					}
				}
			}
		}
	}
}

// openSmall opens data that may be too few.
func openSmall(t *testing.T, give files) (*dataset.Dataset, error) {
	t.Helper()
	d, _, err := dataset.Open(t.Context(), dataset.Config{Path: give.folder(t), Preparer: preparer(t)})
	return d, err
}

// TestSplitOfUnevenClasses: classes of one image among others, and alphabets of one
// class, are held out only beside some that make pairs.
func TestSplitOfUnevenClasses(t *testing.T) {
	uneven := glyphs(t, 1, "a", "b", "c", "d", "e", "f")
	for name, content := range glyphs(t, 3, "x", "y", "z") {
		uneven[name] = content
	}
	scripts := glyphs(t, 3, "Greek/a", "Latin/a", "Latin/b", "Thai/a", "Thai/b", "Thai/c")
	for seed := range uint64(30) {
		d, _ := open(t, uneven.folder(t))
		if _, _, err := d.Split(dataset.Split{By: dataset.ByClass, Seed: seed}); err != nil {
			t.Errorf("by class, seed %d: %v", seed, err)
		}
		d, _ = open(t, scripts.folder(t))
		if _, _, err := d.Split(dataset.Split{By: dataset.ByAlphabet, Seed: seed}); err != nil {
			t.Errorf("by alphabet, seed %d: %v", seed, err)
		}
	}
}
