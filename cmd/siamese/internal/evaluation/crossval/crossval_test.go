package crossval

import (
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/cmd/siamese/internal/datasets"
	"siamese/tfmodel"
)

func TestModels(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a1", "a2", "b1", "b2", "c++"} {
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		give    []string
		folds   []int
		want    []Model
		wantErr string
	}{
		{[]string{"a1", "b2"}, All(2), []Model{{1, []string{"a1"}}, {2, []string{"b2"}}}, ""},
		{[]string{"a{fold}"}, All(2), []Model{{1, []string{"a1"}}, {2, []string{"a2"}}}, ""},
		{[]string{"a{fold}+b{fold}"}, All(2), []Model{{1, []string{"a1", "b1"}}, {2, []string{"a2", "b2"}}}, ""},
		{[]string{"a{fold}", "b1+a{fold}"}, All(2), []Model{{1, []string{"a1"}}, {2, []string{"b1", "a2"}}}, ""},
		{[]string{"c++", "a1"}, All(2), []Model{{1, []string{"c++"}}, {2, []string{"a1"}}}, ""},
		{[]string{"general", "a1+omniglot"}, All(2), []Model{{1, []string{"general"}}, {2, []string{"a1", "omniglot"}}}, ""},
		{[]string{"a{fold}"}, []int{2}, []Model{{2, []string{"a2"}}}, ""},
		{[]string{"b1", "a1"}, []int{2, 1}, []Model{{2, []string{"b1"}}, {1, []string{"a1"}}}, ""},
		{[]string{"a{fold}"}, []int{1, 4}, nil, "model of fold 4: stat a4"},
		{[]string{"a1", "a2"}, []int{2}, nil, "received 2 models for 1 folds"},
		{[]string{"a1"}, All(2), nil, "received 1 models for 2 folds, expected one a fold, in order, or one name with {fold} in it"},
		{[]string{"a1", "a2", "b1"}, All(2), nil, "received 3 models for 2 folds"},
		{[]string{"a1", "a3"}, All(2), nil, "model of fold 2: stat a3"},
		{[]string{"a1+", "a2"}, All(2), nil, "model of fold 1"},
		{[]string{"a1+b3", "a2"}, All(2), nil, "model of fold 1: stat b3"},
	}
	for _, tt := range tests {
		got, err := Models(tt.give, tt.folds)
		if (tt.wantErr == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
			t.Errorf("Models(%q, %d) = %v, want %q", tt.give, tt.folds, err, tt.wantErr)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Models(%q, %d) (-want +got):\n%s", tt.give, tt.folds, diff)
		}
	}
}

// TestLearntFrom: a network is taken for a fold only if its card does not say that it has
// seen it.
func TestLearntFrom(t *testing.T) {
	config := datasets.Config{Path: "../../../../../testdata/omniglot", Layout: "auto", Unreadable: "stop", Side: 32, Split: "alphabet", Seed: 1, FoldFlags: datasets.FoldFlags{Folds: 5, Fold: 1}}
	set, report, err := config.OpenReport(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = set.Close() }() // only read
	_, held, err := config.Parts(set)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, give string
		want       bool
	}{
		{"the fold's own", `{"split":"alphabet","folds":5,"fold":1,"seed":1`, false},
		{"as many by number", `{"split":"alphabet","hold_out":2,"seed":1`, false},
		{"more than the fold", `{"split":"alphabet","hold_out":4,"seed":1`, false},
		{"the next fold's", `{"split":"alphabet","folds":5,"fold":2,"seed":1`, true},
		{"another seed's", `{"split":"alphabet","folds":5,"fold":1,"seed":4`, true},
		{"by name", `{"split":"alphabet","hold_out_of":["` + strings.Join(held.Alphabets(), `","`) + `"]`, false},
		{"one of them by name", `{"split":"alphabet","hold_out_of":["` + held.Alphabets()[0] + `"]`, true},
		{"of everything", `{"split":"none"`, true},
		{"by image", `{"split":"image"`, true},
	}
	for _, tt := range tests {
		for digest, want := range map[string]bool{report.Digest: tt.want, "of other data": false, "": false} {
			card := tfmodel.Card{Training: json.RawMessage(tt.give + `,"data":"elsewhere","data_digest":"` + digest + `"}`)}
			if got, isTold := learntFrom(card, openedData{set, report.Digest}, held); (got != "") != want || isTold != (digest == report.Digest) {
				t.Errorf("%s, digest %q: learnt from %q, told: %t, want some: %t", tt.name, digest, got, isTold, want)
			}
		}
	}
	if got, isTold := learntFrom(tfmodel.Card{}, openedData{set, report.Digest}, held); got != "" || isTold {
		t.Errorf("a card that says nothing: learnt from %q, want nothing", got)
	}
}
