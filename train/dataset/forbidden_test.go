package dataset_test

import (
	"errors"
	"path"
	"strings"
	"testing"

	"siamese/train/dataset"
)

func TestForbidden(t *testing.T) {
	const list = `
# whole lines and ends of lines are remarks
clothes/t_shirt clothes/top/* clothes/polo  # tops are fuzzy
fruit/apple
juice/a* milk
`
	f, err := dataset.ReadForbidden(strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"clothes/t_shirt/1", "clothes/top/2", "clothes/trousers/3", "fruit/apple/red", "fruit/apple/green", "fruit/pear/1", "juice/apple/x", "juice/orange/x", "milk/oat/y", "clothes/polo/4"}
	var classes []dataset.Class
	for _, name := range names {
		classes = append(classes, dataset.Class{Name: name})
	}
	ambiguity := f.Of(classes)
	tests := []struct {
		a, b int
		want bool
	}{
		{0, 1, true}, {1, 9, true}, {0, 2, false}, {3, 4, true}, {4, 5, false}, {3, 0, false}, {6, 8, true}, {6, 7, false}, {7, 8, false}, {2, 2, false},
	}
	for _, tt := range tests {
		if got := ambiguity.Together(tt.a, tt.b); got != tt.want || got != ambiguity.Together(tt.b, tt.a) {
			t.Errorf("Together(%s, %s) = %t, want %t both ways", names[tt.a], names[tt.b], got, tt.want)
		}
	}
	var none *dataset.Forbidden
	if none.Of(classes).Together(0, 1) {
		t.Error("nothing is forbidden, but two classes are together")
	}
}

func TestReadForbiddenRefuses(t *testing.T) {
	if _, err := dataset.ReadForbidden(strings.NewReader("a b\nc [\n")); !errors.Is(err, path.ErrBadPattern) || !strings.Contains(err.Error(), `line 2: pattern "["`) {
		t.Errorf("a malformed pattern: %v, want one that names it", err)
	}
	if _, err := dataset.ReadForbidden(strings.NewReader(strings.Repeat("x", 2<<20))); err == nil {
		t.Error("a line of 2 MiB was read, want an error")
	}
}

// TestForbiddenCheckNamesWhatIsNotThere: a misspelt name would forbid nothing.
func TestForbiddenCheckNamesWhatIsNotThere(t *testing.T) {
	d, _, err := dataset.Open(t.Context(), dataset.Config{Path: glyphs(t, 2, "milk/oat", "milk/soy", "juice/apple").folder(t), Preparer: preparer(t)})
	if err != nil {
		t.Fatal(err)
	}
	for give, want := range map[string]error{"milk juice/apple": nil, "milk juice/aple": dataset.ErrUnknownName} {
		f, err := dataset.ReadForbidden(strings.NewReader(give))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Check(d); !errors.Is(err, want) {
			t.Errorf("Check of %q = %v, want %v", give, err, want)
		}
	}
}

// TestSplitByNamesOfFolders: a kind's name holds out all its things.
func TestSplitByNamesOfFolders(t *testing.T) {
	d, _, err := dataset.Open(t.Context(), dataset.Config{
		Path:     glyphs(t, 2, "p/milk/oat", "p/milk/soy", "p/juice/apple", "p/juice/orange", "d/Greek/a").folder(t),
		Preparer: preparer(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	learn, held, err := d.Split(dataset.Split{By: dataset.ByClass, Names: []string{"p/milk", "p/juice/apple"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(held); got != "p/juice/apple p/milk/oat p/milk/soy" {
		t.Errorf("held out: %s", got)
	}
	if got := names(learn); got != "d/Greek/a p/juice/orange" {
		t.Errorf("learnt from: %s", got)
	}
	if held.Layout() != dataset.Domains {
		t.Errorf("Layout() of a part = %v, want domains", held.Layout())
	}
	if _, _, err := d.Split(dataset.Split{By: dataset.ByClass, Names: []string{"p/mil"}}); !errors.Is(err, dataset.ErrUnknownName) {
		t.Errorf("part of a folder's name: %v, want %v", err, dataset.ErrUnknownName)
	}
}

func names(d *dataset.Dataset) string {
	var all []string
	for _, class := range d.Classes() {
		all = append(all, class.Name)
	}
	return strings.Join(all, " ")
}

// TestByKind: kinds become classes with all their pictures, domains take their place,
// and pictures are still to be had.
func TestByKind(t *testing.T) {
	d, _, err := dataset.Open(t.Context(), dataset.Config{
		Path: glyphs(t, 2, "p/milk/oat", "p/milk/soy", "p/juice/apple", "d/milk/a").folder(t), Preparer: preparer(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := d.ByKind()
	if err != nil {
		t.Fatal(err)
	}
	if got := names(kinds); got != "d/milk p/juice p/milk" {
		t.Errorf("kinds are %q", got)
	}
	for _, class := range kinds.Classes() {
		want := 2
		if class.Name == "p/milk" {
			want = 4
		}
		if len(class.Images) != want || class.Alphabet != class.Domain {
			t.Errorf("%q has %d images and the alphabet %q, want %d and its domain", class.Name, len(class.Images), class.Alphabet, want)
		}
		if _, err := kinds.Picture(class.Images[0]); err != nil {
			t.Error(err)
		}
	}
	only, err := d.Only([]string{"p/m*", "d"})
	if err != nil {
		t.Fatal(err)
	}
	if got := names(only); got != "d/milk/a p/milk/oat p/milk/soy" {
		t.Errorf("Only gives %q", got)
	}
	if _, err := d.Only([]string{"x"}); !errors.Is(err, dataset.ErrNoImages) {
		t.Errorf("Only of a name that is not there = %v, want %v", err, dataset.ErrNoImages)
	}
	one, _, err := dataset.Open(t.Context(), dataset.Config{
		Path: glyphs(t, 2, "milk/oat", "milk/soy").folder(t), Layout: dataset.Things, Preparer: preparer(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.ByKind(); !errors.Is(err, dataset.ErrTooFewClasses) {
		t.Errorf("ByKind of one kind = %v, want %v", err, dataset.ErrTooFewClasses)
	}
}
