package evaluate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"siamese/train/dataset"
	"siamese/train/evaluate"
)

func TestVerifyDrawsBalancedPairs(t *testing.T) {
	d := omniglot(t, 16, 4, 5, 1)
	for _, negatives := range []evaluate.Negatives{evaluate.Any, evaluate.SameAlphabet} {
		t.Run(string(negatives), func(t *testing.T) {
			model := &fakeModel{}
			got, err := evaluate.Verify(t.Context(), model, d, evaluate.VerifyConfig{Pairs: 2000, Negatives: negatives})
			if err != nil {
				t.Fatal(err)
			}
			if got.Pairs != 2000 || got.Same != 1000 || got.AUC != 1 || got.EER != 0 || got.Accuracy != 1 {
				t.Errorf("result = %d pairs, %d same, AUC %v, EER %v, accuracy %v, want 2000, 1000, 1, 0, 1",
					got.Pairs, got.Same, got.AUC, got.EER, got.Accuracy)
			}
			model.wantEncodedOnce(t)
			wantPairs(t, model, negatives)
		})
	}
}

// wantPairs fails unless the pairs are half same, of different drawings, the
// rest as negatives says, and all classes that can be met are.
func wantPairs(t *testing.T, model *fakeModel, negatives evaluate.Negatives) {
	t.Helper()
	same, across, positive, negative := 0, 0, map[float32]bool{}, map[float32]bool{}
	for _, pair := range model.compared {
		a, b := pair[0], pair[1]
		switch {
		case a[1] != b[1]:
			negative[a[1]], negative[b[1]] = true, true
			if a[0] != b[0] {
				across++
			}
		case a[2] == b[2]:
			t.Errorf("pair of class %v is of drawer %v twice, want two drawings", a[1], a[2])
		default:
			same++
			positive[a[1]] = true
		}
	}
	if same != 1000 || len(positive) != 10 {
		t.Errorf("%d same pairs of %d classes, want 1000 of 10", same, len(positive))
	}
	if negatives == evaluate.SameAlphabet && (across != 0 || len(negative) != 9) {
		t.Errorf("%d different pairs are across alphabets, of %d classes, want none and 9", across, len(negative))
	}
	if negatives == evaluate.Any && (across < 400 || len(negative) != 10) {
		t.Errorf("%d different pairs are across alphabets, of %d classes, want most and 10", across, len(negative))
	}
}

func TestVerifyGoesBySeed(t *testing.T) {
	d := omniglot(t, 3, 4, 4)
	compared := func(seed uint64) [][2][]float32 {
		model := &fakeModel{}
		if _, err := evaluate.Verify(t.Context(), model, d, evaluate.VerifyConfig{Pairs: 50, Seed: seed}); err != nil {
			t.Fatal(err)
		}
		return model.compared
	}
	if diff := cmp.Diff(compared(3), compared(3)); diff != "" {
		t.Errorf("two drawings of one seed differ:\n%s", diff)
	}
	if cmp.Equal(compared(3), compared(4)) {
		t.Error("two seeds give the same pairs, want others")
	}
}

func TestVerifyRefuses(t *testing.T) {
	d := omniglot(t, 2, 3)
	tests := []struct {
		name string
		give evaluate.VerifyConfig
		want string
	}{
		{"an odd number", evaluate.VerifyConfig{Pairs: 3}, "Pairs is 3, expected 0 (the default) or an even number"},
		{"a negative number", evaluate.VerifyConfig{Pairs: -2}, "Pairs is -2"},
		{"unknown negatives", evaluate.VerifyConfig{Negatives: "hard"}, `Negatives is "hard", expected "any", "same-alphabet" or "other-alphabet"`},
		{"a threshold above 1", evaluate.VerifyConfig{Threshold: 1.1}, "threshold is 1.1, expected 0 to 1"},
		{"a threshold that is none", evaluate.VerifyConfig{Threshold: math.NaN()}, "threshold is NaN"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := evaluate.Verify(t.Context(), &fakeModel{}, d, tt.give)
			wantError(t, err, tt.want)
		})
	}
}

func TestVerifyWithoutAlphabetsHasNoHardPairs(t *testing.T) {
	root := t.TempDir()
	for class := range 3 {
		for i := range 2 {
			putPicture(t, filepath.Join(root, fmt.Sprintf("class%d", class), fmt.Sprintf("%d.png", i)), picture(0, class, i))
		}
	}
	d := openDataset(t, root, dataset.Own)
	_, err := evaluate.Verify(t.Context(), &fakeModel{}, d, evaluate.VerifyConfig{Negatives: evaluate.SameAlphabet})
	if !errors.Is(err, evaluate.ErrNoPairs) {
		t.Errorf("error = %v, want ErrNoPairs", err)
	}
	if _, err := evaluate.Verify(t.Context(), &fakeModel{}, d, evaluate.VerifyConfig{Pairs: 10}); err != nil {
		t.Errorf("error with negatives of any class = %v, want none", err)
	}
}

func TestNegativesNames(t *testing.T) {
	if got := fmt.Sprint([]evaluate.Negatives{evaluate.Any, evaluate.SameAlphabet, evaluate.OtherAlphabet}); got != "[any same-alphabet other-alphabet]" {
		t.Errorf("negatives are %s, want [any same-alphabet other-alphabet]", got)
	}
}

// scores of five same and five different pairs: two of them on the wrong side of
// 0.5, and one tie between the kinds at 0.6.
func scores() []evaluate.Score {
	return []evaluate.Score{
		{Similarity: 0.95, Same: true}, {Similarity: 0.9, Same: true}, {Similarity: 0.8, Same: true},
		{Similarity: 0.6, Same: true}, {Similarity: 0.3, Same: true},
		{Similarity: 0.6, Same: false}, {Similarity: 0.2, Same: false}, {Similarity: 0.1, Same: false},
		{Similarity: 0.05, Same: false}, {Similarity: 0, Same: false},
	}
}

func TestMeasureAgainstValuesByHand(t *testing.T) {
	got, err := evaluate.Measure(scores(), 0.85)
	if err != nil {
		t.Fatal(err)
	}
	want := evaluate.VerifyResult{
		Pairs: 10, Same: 5,
		AUC:       (3*5 + 4.5 + 4) / 25.0, // of 25 pairs of pairs: 5 won by each of three, 4½ by 0.6, 4 by 0.3
		EER:       0.2,                    // at 0.5 one of five on either side is wrong
		Threshold: 0.85, Accuracy: 0.7, FalseRejects: 0.6, StdErr: math.Sqrt(0.7 * 0.3 / 10),
		// 0.7 refuses 0.6 on both sides, 0.25 accepts 0.6 and 0.3: 8 and 9 right.
		BestThreshold: 0.25, BestAccuracy: 0.9,
		Operating: []evaluate.Operating{
			{MaxFAR: 0.01, Threshold: 0.7, FAR: 0, FRR: 0.4},
			{MaxFAR: 0.001, Threshold: 0.7, FAR: 0, FRR: 0.4},
		},
		ROC: []evaluate.ROCPoint{
			{Threshold: 0.975}, {Threshold: 0.7, TPR: 0.6}, {Threshold: 0.45, FPR: 0.2, TPR: 0.8},
			{Threshold: 0.25, FPR: 0.2, TPR: 1}, {Threshold: 0, FPR: 1, TPR: 1},
		},
		// Off by 0.025·2 (0 and 0.05), 0.1, 0.2, 0.7, 0.1·2 (0.6 twice), 0.2, 0.075·2 (0.9 and 0.95), over 10.
		ECE: (0.05 + 0.1 + 0.2 + 0.7 + 0.2 + 0.2 + 0.15) / 10,
	}
	ignore := cmpopts.IgnoreFields(evaluate.VerifyResult{}, "Bins", "Scores")
	if diff := cmp.Diff(want, got, ignore, cmpopts.EquateApprox(0, rounding)); diff != "" {
		t.Errorf("Measure (-want +got):\n%s", diff)
	}
	filled := []evaluate.Bin{
		{Low: 0, High: 0.1, Count: 2, Mean: 0.025}, {Low: 0.9, High: 1, Count: 2, Mean: 0.925, Same: 1},
	}
	if diff := cmp.Diff(filled, []evaluate.Bin{got.Bins[0], got.Bins[9]}, cmpopts.EquateApprox(0, rounding)); diff != "" {
		t.Errorf("first and last bin (-want +got):\n%s", diff)
	}
}

// randomScores are scores with many ties, same pairs mostly above different ones.
func randomScores(count int) []evaluate.Score {
	random := rand.New(rand.NewPCG(1, 2))
	scores := make([]evaluate.Score, count)
	for i := range scores {
		scores[i].Same = i%3 == 0
		value := random.Float64()
		if scores[i].Same {
			value = math.Sqrt(value)
		}
		scores[i].Similarity = math.Round(40*value) / 40
	}
	return scores
}

func TestMeasureAgainstBruteForce(t *testing.T) {
	give := randomScores(600)
	got, err := evaluate.Measure(give, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	var won, met float64
	for _, a := range give {
		for _, b := range give {
			if !a.Same || b.Same {
				continue
			}
			met++
			if a.Similarity > b.Similarity {
				won++
			} else if a.Similarity == b.Similarity {
				won += 0.5
			}
		}
	}
	best := 0.0
	for i := range 400 {
		best = max(best, share(give, float64(i)/400+0.001, nil))
	}
	want := []float64{won / met, best, share(give, got.BestThreshold, nil)}
	if diff := cmp.Diff(want, []float64{got.AUC, got.BestAccuracy, got.BestAccuracy}, cmpopts.EquateApprox(0, rounding)); diff != "" {
		t.Errorf("AUC, best accuracy, accuracy at the best threshold (-want +got):\n%s", diff)
	}
	same, different := true, false
	for _, point := range append(got.ROC, evaluate.ROCPoint{Threshold: got.Operating[0].Threshold,
		FPR: got.Operating[0].FAR, TPR: 1 - got.Operating[0].FRR}) {
		counted := []float64{1 - share(give, point.Threshold, &different), share(give, point.Threshold, &same)}
		if diff := cmp.Diff(counted, []float64{point.FPR, point.TPR}, cmpopts.EquateApprox(0, rounding)); diff != "" {
			t.Errorf("shares at %v (-counted +got):\n%s", point.Threshold, diff)
		}
	}
}

// share counts the right verdicts among the pairs of one kind, or of both.
func share(scores []evaluate.Score, threshold float64, kind *bool) float64 {
	right, count := 0.0, 0.0
	for _, score := range scores {
		if kind != nil && score.Same != *kind {
			continue
		}
		count++
		if (score.Similarity >= threshold) == score.Same {
			right++
		}
	}
	return right / count
}

func TestMeasureOfSaturatedScores(t *testing.T) {
	got, err := evaluate.Measure([]evaluate.Score{{Similarity: 1, Same: true}, {Similarity: 1, Same: false}}, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	if got.AUC != 0.5 || got.EER != 0.5 || got.BestThreshold > 1 || got.BestAccuracy != 0.5 {
		t.Errorf("AUC %v, EER %v, best %v at %v, want ½ each and a threshold within 1",
			got.AUC, got.EER, got.BestAccuracy, got.BestThreshold)
	}
	if _, err := json.Marshal(got); err != nil {
		t.Errorf("as JSON: %v, want no error", err)
	}
}

func TestMeasureRefuses(t *testing.T) {
	_, err := evaluate.Measure([]evaluate.Score{{Similarity: 1, Same: true}}, 0.5)
	if !errors.Is(err, evaluate.ErrNoPairs) {
		t.Errorf("error without different pairs = %v, want ErrNoPairs", err)
	}
	_, err = evaluate.Measure([]evaluate.Score{{Similarity: math.NaN()}}, 0.5)
	wantError(t, err, "a similarity is NaN, expected 0 to 1")
	_, err = evaluate.Measure(scores(), 2)
	wantError(t, err, "threshold is 2, expected 0 to 1")
}

// TestVerifyStrangers: pairs of other alphabets are of two of them, Of bounds the first
// image, and what is forbidden is no pair.
func TestVerifyStrangers(t *testing.T) {
	d := omniglot(t, 12, 3, 3, 3)
	forbidden, err := dataset.ReadForbidden(strings.NewReader("alphabet1 alphabet2"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		give evaluate.VerifyConfig
		ok   func(a, b []float32) bool // of a different pair: red is the alphabet
	}{
		{"strangers", evaluate.VerifyConfig{Negatives: evaluate.OtherAlphabet}, func(a, b []float32) bool { return a[0] != b[0] }},
		{"of one alphabet", evaluate.VerifyConfig{Of: []string{"alphabet2"}}, func(a, _ []float32) bool { return a[0] == 2 }},
		{"forbidden", evaluate.VerifyConfig{Negatives: evaluate.OtherAlphabet, Forbidden: forbidden}, func(a, b []float32) bool { return a[0] == 3 || b[0] == 3 }},
	}
	for _, tt := range tests {
		model := &fakeModel{}
		tt.give.Pairs, tt.give.Seed = 200, 5
		result, err := evaluate.Verify(t.Context(), model, d, tt.give)
		if err != nil {
			t.Fatal(err)
		}
		different := 0
		for _, pair := range model.compared {
			a, b := pair[0], pair[1]
			if a[1] == b[1] {
				if len(tt.give.Of) > 0 && a[0] != 2 {
					t.Errorf("%s: a same pair of alphabet %v", tt.name, a[0])
				}
				continue
			}
			different++
			if !tt.ok(a, b) {
				t.Errorf("%s: a different pair of %v and %v", tt.name, a, b)
			}
		}
		if different != 100 || result.Same != 100 {
			t.Errorf("%s: %d different and %d same pairs, want 100 each", tt.name, different, result.Same)
		}
	}
	all, err := dataset.ReadForbidden(strings.NewReader("*"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evaluate.Verify(t.Context(), &fakeModel{}, d, evaluate.VerifyConfig{Pairs: 2, Forbidden: all}); !errors.Is(err, evaluate.ErrNoPairs) {
		t.Errorf("Verify where everything is forbidden = %v, want %v", err, evaluate.ErrNoPairs)
	}
}

// TestVerifyTakesNoMorePairsThanExist: of few images each pair is taken once, and as many
// of both kinds.
func TestVerifyTakesNoMorePairsThanExist(t *testing.T) {
	tests := []struct {
		name  string
		data  *dataset.Dataset
		give  evaluate.VerifyConfig
		want  int
		twice bool // a pair may be drawn twice
	}{
		{"two classes of two", omniglot(t, 2, 2), evaluate.VerifyConfig{Pairs: 400}, 4, false},
		{"two classes of six", omniglot(t, 6, 2), evaluate.VerifyConfig{Pairs: 400}, 60, false},
		{"few different ones", omniglot(t, 6, 2, 1), evaluate.VerifyConfig{Pairs: 400, Negatives: evaluate.SameAlphabet, Of: []string{"alphabet1/character01"}}, 30, false},
		{"most of them", omniglot(t, 6, 2), evaluate.VerifyConfig{Pairs: 50, Distinct: true}, 50, false},
		{"a few of them", omniglot(t, 16, 3), evaluate.VerifyConfig{Pairs: 40, Distinct: true}, 40, false},
		{"drawn again", omniglot(t, 6, 2), evaluate.VerifyConfig{Pairs: 60}, 60, true},
	}
	for _, tt := range tests {
		result, err := evaluate.Verify(t.Context(), &fakeModel{}, tt.data, tt.give)
		if err != nil {
			t.Fatal(err)
		}
		seen, twice := map[evaluate.Pairing]bool{}, false
		for i, pair := range result.Pairings {
			turned := evaluate.Pairing{A: pair.B, B: pair.A, ClassA: pair.ClassB, ClassB: pair.ClassA}
			twice = twice || seen[pair] || seen[turned]
			seen[pair] = true
			if same := pair.ClassA == pair.ClassB; same != result.Scores[i].Same || same != (i%2 == 0) {
				t.Errorf("%s: pair %d is the same: %t, want every second one to be", tt.name, i, same)
			}
		}
		if result.Pairs != tt.want || result.Same != tt.want/2 || twice != tt.twice {
			t.Errorf("%s: %d pairs, %d same, some twice: %t; want %d, half of them, %t", tt.name, result.Pairs, result.Same, twice, tt.want, tt.twice)
		}
	}
}
