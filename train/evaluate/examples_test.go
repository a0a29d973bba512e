package evaluate_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/train/dataset"
	"siamese/train/evaluate"
)

func TestExamplesByHand(t *testing.T) {
	result := evaluate.VerifyResult{Threshold: 0.5}
	images := " again"
	add := func(similarity float64, a, b string) {
		result.Scores = append(result.Scores, evaluate.Score{Similarity: similarity, Same: a == b})
		result.Pairings = append(result.Pairings, evaluate.Pairing{ClassA: a, ClassB: b, A: dataset.Image{Name: a + images}, B: dataset.Image{Name: b + images}})
	}
	add(0.6, "a", "b")
	images = ""
	add(0.9, "b", "a")
	add(0.5, "a", "c") // at the threshold: called the same
	add(0.5, "a", "c") // the same two images
	add(0.1, "d", "d")
	add(0.4, "e", "e")
	for _, similarity := range []float64{0.7, 0.95, 0.8} {
		add(similarity, "f", "f")
	}
	add(0.2, "a", "d")
	similarities := func(examples []evaluate.Example) (list []float64) {
		for _, example := range examples {
			list = append(list, example.Similarity)
		}
		return list
	}
	got := result.Examples(3)
	// 0.6 is of the same two classes as 0.9.
	if diff := cmp.Diff([]float64{0.9, 0.5, 0.6}, similarities(got.WronglySame)); diff != "" {
		t.Errorf("wrongly called the same (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float64{0.1, 0.4}, similarities(got.WronglyDifferent)); diff != "" {
		t.Errorf("wrongly called different (-want +got):\n%s", diff)
	}
	// Two of the three same ones, a quarter and three quarters up, and the different one.
	if diff := cmp.Diff([]float64{0.7, 0.95, 0.2}, similarities(got.Right)); diff != "" {
		t.Errorf("called right (-want +got):\n%s", diff)
	}
	if one := result.Examples(1).WronglySame; len(one) != 1 || one[0].A.Name != "b" || one[0].Same {
		t.Errorf("the first wrongly called the same = %+v, want the pair of b and a", one)
	}
}

// TestRetrievalExamples: a query whose nearest image is another's is an example of that.
func TestRetrievalExamples(t *testing.T) {
	d := colours(t, map[string][][3]int{
		"x": {{10, 0, 0}, {12, 0, 0}, {40, 0, 0}}, // the third is nearer to y's
		"y": {{41, 0, 0}, {44, 0, 0}},
	})
	got, err := evaluate.Retrieval(t.Context(), byColour(), d, evaluate.RetrievalConfig{Threshold: 0.7, Examples: 2})
	if err != nil {
		t.Fatal(err)
	}
	names := func(examples []evaluate.Example) (list []string) {
		for _, e := range examples {
			pair := []string{e.A.Name, e.B.Name}
			slices.Sort(pair)
			list = append(list, strings.Join(pair, " "))
		}
		return list
	}
	want := [][]string{{"x/c.png y/a.png"}, {"x/a.png x/c.png", "x/b.png x/c.png"}}
	// 40 and 44 are at a similarity of 0.67, so that 40 and 41 alone are wrongly the same.
	if diff := cmp.Diff(want, [][]string{names(got.Examples.WronglySame), names(got.Examples.WronglyDifferent)}); diff != "" {
		t.Errorf("wrong ones (-want +got):\n%s", diff)
	}
	if right := got.Examples.Right; len(right) != 2 || !right[0].Same || right[1].Same {
		t.Errorf("right ones are %+v, want a same and a different pair", right)
	}
	none, err := evaluate.Retrieval(t.Context(), byColour(), d, evaluate.RetrievalConfig{})
	if err != nil || len(none.Examples.Right) != 0 {
		t.Errorf("without Examples: %v, %d right ones, want none", err, len(none.Examples.Right))
	}
}

// TestVerifyTellsItsPairs: pairings go in step with scores, and what is measured beside is
// measured on the same pairs.
func TestVerifyTellsItsPairs(t *testing.T) {
	d := omniglot(t, 3, 4, 5)
	model := &fakeModel{}
	got, err := evaluate.Verify(t.Context(), model, d, evaluate.VerifyConfig{
		Pairs: 60, Baselines: []evaluate.Baseline{{Name: "other", Model: &fakeModel{}}, {Name: "pHash"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, pairing := range got.Pairings {
		for _, side := range []struct {
			image  dataset.Image
			colour []float32
		}{{pairing.A, model.compared[i][0]}, {pairing.B, model.compared[i][1]}} {
			p, err := d.Picture(side.image)
			if err != nil {
				t.Fatal(err)
			}
			if want := float32(p.Pix[1]); side.colour[1] != want {
				t.Fatalf("pair %d is said to show class %v, but was scored of %v", i, want, side.colour[1])
			}
		}
		if (pairing.ClassA == pairing.ClassB) != got.Scores[i].Same {
			t.Fatalf("pair %d of %s and %s: Same is %v", i, pairing.ClassA, pairing.ClassB, got.Scores[i].Same)
		}
	}
	if len(got.Pairings) != 54 || got.StdErr != 0 {
		t.Errorf("%d pairings, accuracy ± %v; want the 54 that exist, and 0 where all are right", len(got.Pairings), got.StdErr)
	}
	var names []string
	for _, method := range got.Beside {
		names = append(names, method.Name)
	}
	if diff := cmp.Diff([]string{"cosine", "other", "pHash"}, names); diff != "" {
		t.Errorf("measured beside (-want +got):\n%s", diff)
	}
	// The other network's cosine is the network's own; hashes of flat pictures are all alike.
	if a, b := got.Beside[0], got.Beside[1]; a.AUC != b.AUC || a.EER != b.EER || a.AUC < 0.5 {
		t.Errorf("cosine has AUC %v, the same network beside %v, want the same above a half", a.AUC, b.AUC)
	}
	if hash := got.Beside[2]; hash.AUC != 0.5 || hash.RecognisedAt[0].FRR != 1 {
		t.Errorf("hash = %+v, want AUC 0.5 and none recognised", hash)
	}
}

// TestVerifyOfAmong: patterns choose the classes of first and of second images.
func TestVerifyOfAmong(t *testing.T) {
	d := colours(t, map[string][][3]int{
		"a": {{10, 0, 0}, {20, 0, 0}}, "b": {{30, 0, 0}, {40, 0, 0}}, "c": {{50, 0, 0}, {60, 0, 0}},
	})
	got, err := evaluate.Verify(t.Context(), byColour(), d, evaluate.VerifyConfig{Pairs: 40, Of: []string{"a", "b"}, Among: []string{"b"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, pair := range got.Pairings {
		if want := map[bool]string{true: "b", false: "a"}[got.Scores[i].Same]; pair.ClassA != want || pair.ClassB != "b" {
			t.Fatalf("pair %d is of %s and %s, Same %v; want b and b, or a and b", i, pair.ClassA, pair.ClassB, got.Scores[i].Same)
		}
	}
	if _, err := evaluate.Verify(t.Context(), byColour(), d, evaluate.VerifyConfig{Of: []string{"a"}, Among: []string{"b"}}); !errors.Is(err, evaluate.ErrNoPairs) {
		t.Errorf("no class on both sides: %v, want %v", err, evaluate.ErrNoPairs)
	}
}

// TestOneShotBesideBaselines: the same network beside gets as many right as the cosine,
// hashes of flat pictures none.
func TestOneShotBesideBaselines(t *testing.T) {
	d := omniglot(t, 4, 5, 5)
	runs, err := evaluate.MakeRuns(d, evaluate.MakeRunsConfig{Ways: 3, Trials: 30, Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	got, err := evaluate.OneShot(t.Context(), &fakeModel{}, runs, evaluate.Baseline{Name: "other", Model: &fakeModel{}}, evaluate.Baseline{Name: "pHash"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Beside) != 2 || got.Beside[0].Name != "other" || got.Beside[1].Name != "pHash" {
		t.Fatalf("beside are %+v, want other and pHash", got.Beside)
	}
	if other := got.Beside[0]; other.Value != got.MeanCosine || other.StdErr != got.StdErrCosine {
		t.Errorf("the same network beside: %v, want the cosine's %v ± %v", other, got.MeanCosine, got.StdErrCosine)
	}
	right := 0
	for _, run := range got.Runs {
		right += run.RightCosine
	}
	if want := float64(right) / float64(got.Trials); got.MeanCosine != want {
		t.Errorf("mean by cosine = %v, want %v, that of the runs", got.MeanCosine, want)
	}
	if hash := got.Beside[1]; hash.Value != 0 || hash.StdErr != 0 {
		t.Errorf("hashes get %v, want none: a tie is wrong", hash.Mean)
	}
}
