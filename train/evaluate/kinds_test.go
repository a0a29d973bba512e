package evaluate_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"siamese/imaging"
	"siamese/train/dataset"
	"siamese/train/evaluate"
)

// kinds is data of kinds of three things of three images each: red says the kind, green
// the thing, blue the image.
func kinds(t *testing.T, count int) *dataset.Dataset {
	t.Helper()
	files := map[string]*imaging.Picture{}
	for i := range count * 9 {
		kind, thing := i/9, i/3
		files[fmt.Sprintf("k%d/t%d/%d.png", kind, thing, i)] = picture(20*kind, 10*thing, i)
	}
	return openPictures(t, files)
}

func TestScoreKindsDrawsEachKind(t *testing.T) {
	d := kinds(t, 4)
	forbidden, err := dataset.ReadForbidden(strings.NewReader("k0/t0 k0/t1"))
	if err != nil {
		t.Fatal(err)
	}
	config := evaluate.KindsConfig{Pairs: 200, Seed: 5, Forbidden: forbidden}
	model := byColour()
	pairs, err := evaluate.ScoreKinds(t.Context(), model, d, config)
	if err != nil {
		t.Fatal(err)
	}
	counts, halves := map[evaluate.PairKind]int{}, map[string]int{}
	for i, pair := range pairs {
		counts[pair.Kind]++
		a, b := model.compared[i][0], model.compared[i][1]
		sameKind, sameThing := a[0] == b[0], a[1] == b[1]
		switch pair.Kind {
		case evaluate.Strangers:
			if sameKind || pair.Same {
				t.Fatalf("strangers are of kinds %v and %v, Same %v", a[0], b[0], pair.Same)
			}
		case evaluate.Neighbours:
			if !sameKind || sameThing || pair.Same || a[1]+b[1] == 10 {
				t.Fatalf("neighbours are of things %v and %v, Same %v; want two of one kind, not t0 and t1", a, b, pair.Same)
			}
		case evaluate.Things:
			if !sameThing || a[2] == b[2] || !pair.Same {
				t.Fatalf("images of one thing are %v and %v, Same %v; want two images", a, b, pair.Same)
			}
		}
		if want := fmt.Sprintf("k%.0f/t%.0f", a[0]/20, a[1]/10); pair.Class != want || pair.Group != want[:2] {
			t.Fatalf("the first image of %v is said to be of %q in %q, want %q", a, pair.Class, pair.Group, want)
		}
		if half, seen := halves[pair.Group]; seen && half != pair.Half {
			t.Fatalf("%s is in both halves", pair.Group)
		}
		halves[pair.Group] = pair.Half
	}
	for _, kind := range evaluate.PairKinds() {
		if counts[kind] != 200 {
			t.Errorf("%d pairs of %s, want 200", counts[kind], kind)
		}
	}
	if len(halves) != 4 || halves["k0"]+halves["k1"]+halves["k2"]+halves["k3"] != 2 {
		t.Errorf("halves are %v, want two kinds in each", halves)
	}
	few, err := evaluate.ScoreKinds(t.Context(), byColour(), kinds(t, 3), config)
	if err != nil || len(few) != 800 || few[799].Half != 0 {
		t.Errorf("three kinds: %v, %d pairs, want 800, all of the first half", err, len(few))
	}
	again, err := evaluate.ScoreKinds(t.Context(), byColour(), d, config)
	if diff := cmp.Diff(pairs, again); err != nil || diff != "" {
		t.Errorf("a second time: %v, other pairs:\n%s", err, diff)
	}
}

// TestScoreKindsEditsCopies: of a picture with texture each copy is another one, and is
// made at the data's size but encoded at the network's.
func TestScoreKindsEditsCopies(t *testing.T) {
	files := map[string]*imaging.Picture{}
	for i := range 4 {
		files[fmt.Sprintf("t%d/a.png", i)] = textured(side, side, uint64(i))
		files[fmt.Sprintf("t%d/b.png", i)] = textured(side, side, uint64(i+50))
	}
	model := byColour()
	pairs, err := evaluate.ScoreKinds(t.Context(), model, openPictures(t, files), evaluate.KindsConfig{
		Pairs: 120, Side: side, Kinds: []evaluate.PairKind{evaluate.EditedCopies, evaluate.Strangers},
	})
	if err != nil {
		t.Fatal(err)
	}
	exact := 0
	for _, pair := range pairs {
		if pair.Kind == evaluate.EditedCopies && pair.Similarity == 1 {
			exact++
		}
	}
	// At 8 pixels a side some edits change nothing of the mean colour, such as a mirror.
	if len(pairs) != 240 || exact > 60 {
		t.Errorf("%d pairs, %d of 120 copies are the picture itself, want 240 and half at most", len(pairs), exact)
	}
	if encoded := len(model.encoded); encoded < 60 {
		t.Errorf("%d pictures were encoded, want most of the copies apart", encoded)
	}
}

func TestScoreKindsRefuses(t *testing.T) {
	d := kinds(t, 4)
	for _, give := range []evaluate.KindsConfig{{Pairs: -2}, {Pairs: 3}, {Side: -1}} {
		if _, err := evaluate.ScoreKinds(t.Context(), byColour(), d, give); err == nil {
			t.Errorf("ScoreKinds(%+v) = nil error, want one", give)
		}
	}
	for _, give := range []evaluate.KindsConfig{{Of: []string{"z"}}, {Kinds: []evaluate.PairKind{evaluate.Things}}, {Of: []string{"k0/t0"}}} {
		if _, err := evaluate.ScoreKinds(t.Context(), byColour(), d, give); !errors.Is(err, evaluate.ErrNoPairs) {
			t.Errorf("ScoreKinds(%+v) = %v, want %v", give, err, evaluate.ErrNoPairs)
		}
	}
	broken := byColour()
	broken.err = context.DeadlineExceeded
	if _, err := evaluate.ScoreKinds(t.Context(), broken, d, evaluate.KindsConfig{}); !errors.Is(err, broken.err) {
		t.Errorf("ScoreKinds with a broken network = %v, want its error", err)
	}
}

// kindPairs are pairs of a half whose share of same ones at each logit is
// σ(scale·logit+shift), as things and strangers.
func kindPairs(half int, scale, shift float64) []evaluate.KindPair {
	logits, same := calibrated(scale, shift)
	pairs := make([]evaluate.KindPair, len(logits))
	for i, logit := range logits {
		kind := evaluate.Strangers
		if same[i] {
			kind = evaluate.Things
		}
		pairs[i] = evaluate.KindPair{Score: evaluate.Score{Similarity: 1 / (1 + math.Exp(-logit)), Same: same[i]}, Kind: kind, Half: half}
	}
	return pairs
}

func counted(pairs []evaluate.KindPair, kind evaluate.PairKind) float64 {
	count := 0.0
	for _, pair := range pairs {
		if pair.Kind == kind {
			count++
		}
	}
	return count
}

func TestCalibrateKindsFitsOneHalfForTheOther(t *testing.T) {
	const tolerance = 0.02 // of rounding to whole pairs
	first, second := kindPairs(0, 2, 0), kindPairs(1, 0.5, 0)
	// By their numbers: what the pairs were made by.
	weights := evaluate.KindWeights{evaluate.Things: 1, evaluate.Strangers: 1}
	fit, err := evaluate.CalibrateKinds(append(first, second...), weights)
	if err != nil {
		t.Fatal(err)
	}
	want := []evaluate.Line{{Scale: 2, Shift: 0}, {Scale: 0.5, Shift: 0}}
	if diff := cmp.Diff(want, fit.Halves, cmpopts.EquateApprox(0, tolerance)); diff != "" {
		t.Fatalf("lines of the halves (-want +got):\n%s", diff)
	}
	if !(fit.Scale > 0.5 && fit.Scale < 2) {
		t.Errorf("scale on all = %v, want one between the halves'", fit.Scale)
	}
	for i, pair := range append(first, second...) {
		by := fit.Halves[1-pair.Half]
		if want := 1 / (1 + math.Exp(-by.Scale*evaluate.Logit(pair.Similarity)-by.Shift)); math.Abs(fit.After[i].Similarity-want) > 1e-12 {
			t.Fatalf("pair %d of half %d became %v, want %v by the other's line", i, pair.Half, fit.After[i].Similarity, want)
		}
	}
	alone, err := evaluate.CalibrateKinds(first, weights)
	if err != nil || len(alone.Halves) != 0 {
		t.Fatalf("of one half: %v and %d lines of halves, want none", err, len(alone.Halves))
	}
	if got, want := alone.After[0].Similarity, 1/(1+math.Exp(-alone.Scale*evaluate.Logit(first[0].Similarity)-alone.Shift)); math.Abs(got-want) > 1e-12 {
		t.Errorf("without halves the first pair became %v, want %v by the line itself", got, want)
	}
}

func TestCalibrateKindsWeighsKindsNotPairs(t *testing.T) {
	const tolerance = 0.01 // of rounding, and of Platt's targets, which depend on the number of pairs
	pairs := kindPairs(0, 1.5, 1)
	things, strangers := counted(pairs, evaluate.Things), counted(pairs, evaluate.Strangers)
	line := func(pairs []evaluate.KindPair, weights evaluate.KindWeights) evaluate.Line {
		fit, err := evaluate.CalibrateKinds(pairs, weights)
		if err != nil {
			t.Fatal(err)
		}
		return fit.Line
	}
	want := evaluate.Line{Scale: 1.5, Shift: 1}
	byNumber := evaluate.KindWeights{evaluate.Things: things, evaluate.Strangers: strangers}
	if diff := cmp.Diff(want, line(pairs, byNumber), cmpopts.EquateApprox(0, tolerance)); diff != "" {
		t.Errorf("weights as the numbers of pairs (-want +got):\n%s", diff)
	}
	var twice []evaluate.KindPair
	for _, pair := range pairs {
		twice = append(twice, pair)
		if pair.Kind == evaluate.Strangers {
			twice = append(twice, pair)
		}
		// What has no weight doesn't count.
		twice = append(twice, evaluate.KindPair{Score: evaluate.Score{Similarity: 0.9}, Kind: evaluate.Neighbours})
	}
	if diff := cmp.Diff(want, line(twice, byNumber), cmpopts.EquateApprox(0, tolerance)); diff != "" {
		t.Errorf("strangers twice, and neighbours without a weight (-want +got):\n%s", diff)
	}
	// Strangers that count e times as much move the shift by 1 at the same scale.
	byNumber[evaluate.Strangers] *= math.E
	if diff := cmp.Diff(evaluate.Line{Scale: 1.5, Shift: 0}, line(pairs, byNumber), cmpopts.EquateApprox(0, tolerance)); diff != "" {
		t.Errorf("strangers e times (-want +got):\n%s", diff)
	}
	// Without neighbours strangers have the weight of both, without copies things.
	missing := evaluate.KindWeights{
		evaluate.Things: things / 4, evaluate.EditedCopies: things * 3 / 4, evaluate.Strangers: strangers / 2, evaluate.Neighbours: strangers / 2,
	}
	if diff := cmp.Diff(want, line(pairs, missing), cmpopts.EquateApprox(0, tolerance)); diff != "" {
		t.Errorf("kinds without pairs (-want +got):\n%s", diff)
	}
	if _, err := evaluate.CalibrateKinds(pairs, evaluate.KindWeights{evaluate.Things: 1}); !errors.Is(err, evaluate.ErrNoPairs) {
		t.Errorf("same pairs alone: %v, want %v", err, evaluate.ErrNoPairs)
	}
}

func TestContrastsByHand(t *testing.T) {
	pair := func(kind evaluate.PairKind, class string, similarity float64) evaluate.KindPair {
		return evaluate.KindPair{Score: evaluate.Score{Similarity: similarity, Same: kind.Same()}, Kind: kind, Class: class, Group: class[:1]}
	}
	pairs := []evaluate.KindPair{
		pair(evaluate.Things, "a/1", 0.95), pair(evaluate.Things, "b/1", 0.45),
		pair(evaluate.Strangers, "a/1", 0.05), pair(evaluate.Strangers, "a/2", 0.05), pair(evaluate.Strangers, "b/1", 0.45), pair(evaluate.Strangers, "b/1", 0.55),
		pair(evaluate.Neighbours, "b/1", 0.95),
	}
	got := evaluate.Contrasts(pairs, "")
	if len(got) != 2 || got[0].Different != evaluate.Strangers || got[1].Different != evaluate.Neighbours {
		t.Fatalf("contrasts are %+v, want things against strangers and against neighbours", got)
	}
	c := got[0]
	// A thing counts ½, a stranger ¼. At 0.05: ½·0.05; at 0.45: same ½ of ¾, off 0.5-0.75·0.45;
	// at 0.55: ¼·0.55; at 0.95: ½·0.05, of 2 in all.
	wantECE := (0.5*0.05 + (0.5 - 0.75*0.45) + 0.25*0.55 + 0.5*0.05) / 2
	// Pairs of a thing and a stranger: 0.95 above all four; 0.45 above two, one tie.
	wantAUC := (4 + 2.5) / 8
	if c.Pairs != 6 || math.Abs(c.ECE-wantECE) > 1e-12 || math.Abs(c.AUC-wantAUC) > 1e-12 {
		t.Errorf("%d pairs, calibration error %v, AUC %v; want 6, %v, %v", c.Pairs, c.ECE, c.AUC, wantECE, wantAUC)
	}
	if c.Accuracy.Value != (0.5+0.75)/2 || c.Recognised.Value != 0.5 || c.FalseAccepts.Value != 0.25 {
		t.Errorf("accuracy %v, recognised %v, false accepts %v; want 0.625, 0.5, 0.25", c.Accuracy, c.Recognised, c.FalseAccepts)
	}
	// Over the kinds a and b: off by 0-2·¼ and 1-2·¼ of 4.
	if want := math.Sqrt(2*(0.25+0.25)) / 4; math.Abs(c.FalseAccepts.StdErr-want) > 1e-12 {
		t.Errorf("standard error of false accepts = %v, want %v", c.FalseAccepts.StdErr, want)
	}
	if of := evaluate.Contrasts(pairs, "a"); len(of) != 1 || of[0].Pairs != 3 || of[0].Accuracy.Value != 1 || of[0].Of != "a" {
		t.Errorf("contrasts of a = %+v, want one of 3 pairs, all right", of)
	}
}
