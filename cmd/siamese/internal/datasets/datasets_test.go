package datasets_test

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/cmd/siamese/internal/datasets"
)

// TestFirstFoldIsHeldOutByNumber: runs with --hold-out can be compared with those of the
// first fold, and every alphabet is held out by one fold.
func TestFirstFoldIsHeldOutByNumber(t *testing.T) {
	held := func(edit func(*datasets.Config)) []string {
		config := datasets.Config{
			Path: "../../../../testdata/omniglot", Layout: "auto", Unreadable: "stop", Side: 32, Split: "alphabet", Seed: 1,
		}
		edit(&config)
		data, err := config.Open(t.Context(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = data.Close() }() // only read
		_, part, err := config.Parts(data)
		if err != nil {
			t.Fatal(err)
		}
		return part.Alphabets()
	}
	fold := func(number int) []string {
		return held(func(c *datasets.Config) { c.Folds, c.Fold = 5, number })
	}
	first := fold(1)
	if diff := cmp.Diff(held(func(c *datasets.Config) { c.HoldOut = 2 }), first); diff != "" {
		t.Errorf("the first of five folds of ten alphabets (-hold-out 2 +fold):\n%s", diff)
	}
	all := first
	for number := 2; number <= 5; number++ {
		all = append(all, fold(number)...)
	}
	slices.Sort(all)
	if len(all) != 10 || len(slices.Compact(all)) != 10 {
		t.Errorf("five folds hold out %q, want ten alphabets, each once", all)
	}
}

// TestDescribeData: a card's words tell which part of the data was measured on.
func TestDescribeData(t *testing.T) {
	tests := []struct {
		give datasets.HeldFlags
		want string
	}{
		{datasets.HeldFlags{Split: "none", HoldOut: 3, Seed: 1}, "all"},
		{datasets.HeldFlags{Split: "class", Seed: 7}, "held out by class: a tenth, seed 7"},
		{datasets.HeldFlags{Split: "alphabet", HoldOut: 3, Seed: 7}, "held out by alphabet: 3, seed 7"},
		{datasets.HeldFlags{Split: "alphabet", HoldOutOf: []string{"Greek", "Latin"}}, "held out by alphabet: Greek, Latin"},
		{datasets.HeldFlags{Split: "class", HoldOutIn: "lists/held.txt"}, "held out by class: those of held.txt"},
		{datasets.HeldFlags{Split: "alphabet", FoldFlags: datasets.FoldFlags{Folds: 5, Fold: 2}, Seed: 1}, "held out by alphabet: fold 2 of 5, seed 1"},
	}
	for _, tt := range tests {
		if got := tt.give.DescribeData(); got != tt.want {
			t.Errorf("DescribeData of %+v = %q, want %q", tt.give, got, tt.want)
		}
	}
}
