package folds_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"siamese/imaging"
	"siamese/train/dataset"
	"siamese/train/evaluate"
	"siamese/train/folds"
)

// side is the tests' input size, and imageBytes that of a picture.
const (
	side       = 8
	imageBytes = side * side * 3
)

// drawn embeds a picture of these tests as its colour: alphabet, class, drawer. It
// notes how often each was encoded.
type drawn struct {
	similarity func(a, b []float32) float32
	encoded    map[string]int
	err        error
}

func (m *drawn) Encode(_ context.Context, pixels []byte) ([]float32, error) {
	if m.encoded == nil {
		m.encoded = map[string]int{}
	}
	var embeddings []float32
	for ; len(pixels) > 0; pixels = pixels[imageBytes:] {
		m.encoded[string(pixels[:3])]++
		embeddings = append(embeddings, float32(pixels[0]), float32(pixels[1]), float32(pixels[2]))
	}
	return embeddings, m.err
}

func (m *drawn) Compare(_ context.Context, a, b []float32) ([]float32, error) {
	var similarities []float32
	for i := 0; i < len(a); i += 3 {
		similarities = append(similarities, m.similarity(a[i:i+3], b[i:i+3]))
	}
	return similarities, m.err
}

// byClass is the perfect answer.
func byClass(a, b []float32) float32 {
	return float32(math.Exp(-math.Abs(float64(a[1] - b[1]))))
}

// blindIn answers rightly but within some alphabets, where everything is the same.
func blindIn(alphabets ...float32) func(a, b []float32) float32 {
	return func(a, b []float32) float32 {
		for _, alphabet := range alphabets {
			if a[0] == alphabet && b[0] == alphabet {
				return 0.75
			}
		}
		return byClass(a, b)
	}
}

// omniglot opens a dataset of alphabets with 6 classes by 4 drawers each.
func omniglot(t *testing.T, alphabets int) *dataset.Dataset {
	t.Helper()
	root, number := t.TempDir(), 0
	for alphabet := 1; alphabet <= alphabets; alphabet++ {
		for class := 1; class <= 6; class++ {
			number++
			folder := filepath.Join(root, fmt.Sprintf("alphabet%d", alphabet), fmt.Sprintf("character%02d", class))
			for drawer := 1; drawer <= 4; drawer++ {
				put(t, filepath.Join(folder, fmt.Sprintf("%04d_%02d.png", number, drawer)), color.RGBA{byte(alphabet), byte(number), byte(drawer), 0xff})
			}
		}
	}
	preparer, err := imaging.New(imaging.Config{Width: side, Height: side})
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := dataset.Open(t.Context(), dataset.Config{Path: root, Layout: dataset.Omniglot, Preparer: preparer})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// put writes a picture of one colour.
func put(t *testing.T, path string, colour color.RGBA) {
	t.Helper()
	canvas := image.NewRGBA(image.Rect(0, 0, side, side))
	for i := range side * side {
		canvas.SetRGBA(i%side, i/side, colour)
	}
	var encoded bytes.Buffer
	err := errors.Join(png.Encode(&encoded, canvas), os.MkdirAll(filepath.Dir(path), 0o755))
	if err := errors.Join(err, os.WriteFile(path, encoded.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// config is small.
var config = folds.Config{Trials: 60, Pairs: 200, Seed: 1}

// measure measures one network on both folds of four alphabets.
func measure(t *testing.T, data *dataset.Dataset, name string, rule func(a, b []float32) float32) []folds.Fold {
	t.Helper()
	var measured []folds.Fold
	for fold := 1; fold <= 2; fold++ {
		_, held, err := data.Split(dataset.Split{By: dataset.ByAlphabet, Folds: 2, Fold: fold})
		if err != nil {
			t.Fatal(err)
		}
		got, err := folds.Measure(t.Context(), folds.Network{Name: name, Model: &drawn{similarity: rule}}, held, config)
		if err != nil {
			t.Fatal(err)
		}
		measured = append(measured, got)
	}
	return measured
}

func TestSummaryNamesTheWorstAlphabet(t *testing.T) {
	summary, err := folds.Summarize(measure(t, omniglot(t, 4), "blind", blindIn(3)))
	if err != nil {
		t.Fatal(err)
	}
	if len(summary.Folds) != 2 || len(summary.Groups) != 4 || summary.All.Alphabets != 4 {
		t.Fatalf("%d folds and %d alphabets, want 2 and 4", len(summary.Folds), len(summary.Groups))
	}
	worst := summary.Groups[0]
	if worst.Name != "alphabet3" || worst.OneShot != 0 || worst.Classes != 6 || worst.Trials == 0 {
		t.Errorf("the worst alphabet is %+v, want alphabet3 with 6 classes, all trials wrong", worst)
	}
	for _, row := range summary.Groups[1:] {
		if row.OneShot != 1 || row.Verification[0].Accuracy != 1 || row.Verification[0].AUC != 1 {
			t.Errorf("%s: %+v, want everything right", row.Name, row)
		}
	}
	// Alphabet 3 has a quarter of the trials and of the pairs. All of its trials are wrong,
	// and half of its pairs within the alphabet.
	if got := summary.All.OneShot.Value; math.Abs(got-0.75) > 0.05 {
		t.Errorf("one-shot is %v over all, want about 3/4", got)
	}
	// Four alphabets, of which one is at 0: √(4/3·Σ(off)²)/4 of off 1/4·3 and 3/4.
	if got, want := summary.All.OneShot.OverAlphabets, 0.25; math.Abs(got-want) > 0.02 {
		t.Errorf("its error over alphabets is %v, want about %v", got, want)
	}
	if got := summary.All.OneShot.OverRuns; !(got > 0 && got < summary.All.OneShot.OverAlphabets) {
		t.Errorf("its error over runs is %v, want above 0 and below the one over alphabets, which have several runs", got)
	}
	within := summary.All.Verification[0]
	if within.Negatives != evaluate.SameAlphabet || within.Pairs != 288 || math.Abs(within.Accuracy.Value-0.875) > 0.04 {
		t.Errorf("within alphabets %+v, want all same pairs and as many others, about 7/8 of them right", within)
	}
	if within.Gap < 0 || within.Best.Value < within.Accuracy.Value {
		t.Errorf("the best threshold gives %v, less than %v at 0.5", within.Best.Value, within.Accuracy.Value)
	}
}

// TestFoldsAreMeasuredAsEvalMeasures: a fold's figures are those of the commands for one
// network.
func TestFoldsAreMeasuredAsEvalMeasures(t *testing.T) {
	data := omniglot(t, 4)
	_, held, err := data.Split(dataset.Split{By: dataset.ByAlphabet, Folds: 2, Fold: 2})
	if err != nil {
		t.Fatal(err)
	}
	noisy := func(a, b []float32) float32 { return float32(math.Abs(math.Sin(float64(a[1]*b[1] + a[2] + b[2])))) }
	fold, err := folds.Measure(t.Context(), folds.Network{Name: "noisy", Model: &drawn{similarity: noisy}}, held, config)
	if err != nil {
		t.Fatal(err)
	}
	summary, err := folds.Summarize([]folds.Fold{fold})
	if err != nil {
		t.Fatal(err)
	}
	runs, err := evaluate.MakeRuns(held, evaluate.MakeRunsConfig{Trials: config.Trials, Seed: config.Seed})
	if err != nil {
		t.Fatal(err)
	}
	oneShot, err := evaluate.OneShot(t.Context(), &drawn{similarity: noisy}, runs)
	if err != nil {
		t.Fatal(err)
	}
	got := summary.All
	if got.OneShot.Value != oneShot.Mean || math.Abs(got.OneShot.OverRuns-oneShot.StdErr) > 1e-12 || got.Cosine.Value != oneShot.MeanCosine || got.Trials != oneShot.Trials {
		t.Errorf("one-shot is %+v and %+v, want %v ± %v over runs and %v by cosine", got.OneShot, got.Cosine, oneShot.Mean, oneShot.StdErr, oneShot.MeanCosine)
	}
	for _, v := range summary.Folds[0].Verification {
		want, err := evaluate.Verify(t.Context(), &drawn{similarity: noisy}, held, evaluate.VerifyConfig{Pairs: config.Pairs, Seed: config.Seed, Negatives: v.Negatives})
		if err != nil {
			t.Fatal(err)
		}
		if v.AUC != want.AUC || v.Accuracy != want.Accuracy || v.BestAccuracy != want.BestAccuracy || v.BestThreshold != want.BestThreshold || v.ECE != want.ECE {
			t.Errorf("negatives %s: %+v, want AUC %v, accuracy %v, %v at the best", v.Negatives, v, want.AUC, want.Accuracy, want.BestAccuracy)
		}
	}
}

// TestCompare: on the same trials and pairs the error is that of the difference alone.
func TestCompare(t *testing.T) {
	data := omniglot(t, 4)
	both, one := measure(t, data, "two blind", blindIn(2, 3)), measure(t, data, "one blind", blindIn(3))
	differences, err := folds.Compare(one, both)
	if err != nil {
		t.Fatal(err)
	}
	if len(differences) != 8 || differences[0].Figure != "one-shot" {
		t.Fatalf("%d differences, %+v, want 8 with one-shot first", len(differences), differences)
	}
	// One alphabet of four is all right instead of all wrong.
	if got := differences[0]; math.Abs(got.Value-0.25) > 0.05 || math.Abs(got.StdErr-0.25) > 0.02 {
		t.Errorf("one-shot differs by %v ± %v, want about 0.25 ± 0.25", got.Value, got.StdErr)
	}
	// Cosines are the same of both.
	if got := differences[1]; got.Value != 0 || got.StdErr != 0 {
		t.Errorf("by cosine they differ by %v ± %v, want 0", got.Value, got.StdErr)
	}
	area := differences[6]
	if area.Figure != "AUC within alphabets, negatives same-alphabet" || math.Abs(area.Value-0.125) > 1e-12 || math.Abs(area.StdErr-0.125) > 1e-12 {
		t.Errorf("%s differs by %v ± %v, want 1/8 ± 1/8: one alphabet of four goes from 1/2 to 1", area.Figure, area.Value, area.StdErr)
	}
	// A difference that is alike everywhere has no error, however hard the alphabets are.
	worse, err := folds.Compare(measure(t, data, "all blind", blindIn(1, 2, 3, 4)), measure(t, data, "all right", byClass))
	if err != nil {
		t.Fatal(err)
	}
	if got := worse[0]; got.Value != -1 || got.StdErr != 0 {
		t.Errorf("all blind against all right: %v ± %v, want -1 ± 0", got.Value, got.StdErr)
	}
}

func TestCompareRefusesOtherTrials(t *testing.T) {
	data := omniglot(t, 4)
	measured := measure(t, data, "a", byClass)
	config := config
	config.Seed = 2
	_, held, err := data.Split(dataset.Split{By: dataset.ByAlphabet, Folds: 2, Fold: 1})
	if err != nil {
		t.Fatal(err)
	}
	other, err := folds.Measure(t.Context(), folds.Network{Name: "b", Model: &drawn{similarity: byClass}}, held, config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := folds.Compare(measured[:1], []folds.Fold{other}); err == nil {
		t.Error("folds of two seeds were compared")
	}
	if _, err := folds.Compare(measured, measured[:1]); err == nil {
		t.Error("two folds were compared with one")
	}
	if _, err := folds.Compare([]folds.Fold{measured[1], measured[0]}, measured); err == nil {
		t.Error("folds in another order were compared")
	}
}

func TestMeasureReportsTheNetworksErrors(t *testing.T) {
	broken := errors.New("broken")
	_, err := folds.Measure(t.Context(), folds.Network{Model: &drawn{similarity: byClass, err: broken}}, omniglot(t, 2), config)
	if !errors.Is(err, broken) {
		t.Errorf("Measure = %v, want the network's error", err)
	}
	if _, err := folds.Summarize(nil); err == nil {
		t.Error("no folds were summed up")
	}
}
