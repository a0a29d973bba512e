package folds_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"siamese/train/evaluate"
	"siamese/train/folds"
)

// pixels are pictures of one colour each.
func pixels(colours ...byte) []byte {
	var all []byte
	for _, colour := range colours {
		all = append(all, bytes.Repeat([]byte{1, colour, 2}, side*side)...)
	}
	return all
}

func TestOnceEncodesEachPictureOnce(t *testing.T) {
	model, encoded := &drawn{similarity: byClass}, 0
	once := folds.NewOnce(model, imageBytes, func(images int) { encoded += images })
	for _, colours := range [][]byte{{5, 6, 5}, {6}, {7, 5, 6}, {7, 7}} {
		got, err := once.Encode(t.Context(), pixels(colours...))
		if err != nil {
			t.Fatal(err)
		}
		var want []float32
		for _, colour := range colours {
			want = append(want, 1, float32(colour), 2)
		}
		if !slices.Equal(got, want) {
			t.Errorf("Encode of %v = %v, want %v", colours, got, want)
		}
	}
	for picture, times := range model.encoded {
		if times != 1 {
			t.Errorf("picture %v was encoded %d times, want once", []byte(picture), times)
		}
	}
	if encoded != 3 || len(model.encoded) != 3 {
		t.Errorf("%d pictures were told and %d encoded, want 3", encoded, len(model.encoded))
	}
	if _, err := once.Encode(t.Context(), make([]byte, imageBytes-1)); err == nil {
		t.Error("a part of a picture was encoded")
	}
}

// TestOnceForgetsWhatFailed: a picture whose encoding failed is encoded when it comes again.
func TestOnceForgetsWhatFailed(t *testing.T) {
	broken := errors.New("broken")
	model := &drawn{similarity: byClass, err: broken}
	once := folds.NewOnce(model, imageBytes, nil)
	if _, err := once.Encode(t.Context(), pixels(5)); !errors.Is(err, broken) {
		t.Fatalf("Encode = %v, want the model's error", err)
	}
	model.err = nil
	if got, err := once.Encode(t.Context(), pixels(6, 5)); err != nil || !slices.Equal(got, []float32{1, 6, 2, 1, 5, 2}) {
		t.Errorf("Encode after an error = %v, %v, want both pictures", got, err)
	}
}

func TestEnsembleIsTheMeanOfItsNetworks(t *testing.T) {
	low := &drawn{similarity: func(a, _ []float32) float32 { return a[1] / 100 }}
	high := &drawn{similarity: func(_, b []float32) float32 { return b[1] / 10 }}
	ensemble, err := folds.NewEnsemble(imageBytes, low, high)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ensemble.Compare(t.Context(), make([]float32, 6), make([]float32, 6)); err == nil {
		t.Error("embeddings were compared before there were any")
	}
	embeddings, err := ensemble.Encode(t.Context(), pixels(4, 8))
	if err != nil || !slices.Equal(embeddings, []float32{1, 4, 2, 1, 4, 2, 1, 8, 2, 1, 8, 2}) {
		t.Fatalf("Encode = %v, %v, want both networks' embeddings side by side", embeddings, err)
	}
	a, b := embeddings[:6], embeddings[6:]
	got, err := ensemble.Compare(t.Context(), slices.Concat(a, b), slices.Concat(b, a))
	if want := []float32{(0.04 + 0.8) / 2, (0.08 + 0.4) / 2}; err != nil || !near(got, want) {
		t.Errorf("Compare = %v, %v, want %v", got, err, want)
	}
	if _, err := ensemble.Compare(t.Context(), a[:5], b[:5]); err == nil {
		t.Error("a part of an embedding was compared")
	}
	if _, err := folds.NewEnsemble(imageBytes); err == nil {
		t.Error("an ensemble of no network was made")
	}
}

// TestEnsembleOfOneIsTheNetwork: bit for bit, and never above 1.
func TestEnsembleOfOneIsTheNetwork(t *testing.T) {
	one := &drawn{similarity: func(a, _ []float32) float32 { return a[1] / 7 }}
	for _, members := range [][]evaluate.Model{{one}, {one, one, one}} {
		ensemble, err := folds.NewEnsemble(imageBytes, members...)
		if err != nil {
			t.Fatal(err)
		}
		embeddings, err := ensemble.Encode(t.Context(), pixels(3, 7))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ensemble.Compare(t.Context(), embeddings, embeddings)
		if want := []float32{3. / 7, 1}; err != nil || !near(got, want) || got[1] > 1 {
			t.Errorf("%d alike: Compare = %v, %v, want %v", len(members), got, err, want)
		}
	}
}

// near allows for float32's rounding.
func near(got, want []float32) bool {
	return slices.EqualFunc(got, want, func(a, b float32) bool { return a-b < 1e-6 && b-a < 1e-6 })
}
