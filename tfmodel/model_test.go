package tfmodel_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"siamese/tfmodel"
)

// float32Tolerance is for sums of a few hundred float32 products against the
// same in float64.
const float32Tolerance = 1e-5

func TestModelAgreesWithReference(t *testing.T) {
	model := loadTiny(t, tfmodel.Options{})
	ref := reference{tiny(), randomWeights(t, tiny(), 1)}
	const count = 4
	size, length := tiny().ImageBytes(), tiny().EmbeddingLength()
	pixels := randomPixels(tiny(), count, 3)
	embeddings, err := model.Encode(t.Context(), pixels)
	if err != nil {
		t.Fatal(err)
	}
	if len(embeddings) != count*length {
		t.Fatalf("Encode of %d images gives %d values, want %d", count, len(embeddings), count*length)
	}
	var wants [][]float64
	for i := range count {
		want := ref.encode(pixels[i*size : (i+1)*size])
		wants = append(wants, want)
		for k, value := range want {
			if got := float64(embeddings[i*length+k]); math.Abs(got-value) > float32Tolerance*(1+math.Abs(value)) {
				t.Errorf("embedding %d value %d = %v, want %v", i, k, got, value)
			}
		}
	}
	half := count / 2 * length
	similarities, err := model.Compare(t.Context(), embeddings[:half], embeddings[half:])
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range similarities {
		if want := ref.compare(wants[i], wants[i+count/2]); math.Abs(float64(got)-want) > float32Tolerance {
			t.Errorf("similarity %d = %v, want %v", i, got, want)
		}
	}
}

func TestCompareIsSymmetricAndConstantOnTheDiagonal(t *testing.T) {
	model := loadTiny(t, tfmodel.Options{})
	length := tiny().EmbeddingLength()
	embeddings, err := model.Encode(t.Context(), randomPixels(tiny(), 6, 5))
	if err != nil {
		t.Fatal(err)
	}
	a, b := embeddings[:3*length], embeddings[3*length:]
	forward, err := model.Compare(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	backward, err := model.Compare(t.Context(), b, a)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(forward, backward) {
		t.Errorf("Compare(a, b) = %v, Compare(b, a) = %v, want the same", forward, backward)
	}
	same, err := model.Compare(t.Context(), embeddings, embeddings)
	if err != nil {
		t.Fatal(err)
	}
	for i, similarity := range same {
		if similarity != same[0] {
			t.Errorf("Compare(x, x) of image %d = %v, want %v as of image 0", i, similarity, same[0])
		}
	}
}

func TestEncodeInPartsEqualsEncodeAtOnce(t *testing.T) {
	pixels := randomPixels(tiny(), 5, 7)
	whole, err := loadTiny(t, tfmodel.Options{MaxRunImages: 8}).Encode(t.Context(), pixels)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := loadTiny(t, tfmodel.Options{MaxRunImages: 2}).Encode(t.Context(), pixels)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		if math.Abs(float64(whole[i]-parts[i])) > float32Tolerance*(1+math.Abs(float64(whole[i]))) {
			t.Fatalf("value %d = %v in runs of 2, %v in one run, want the same", i, parts[i], whole[i])
		}
	}
}

func TestModelRefusesWrongSizes(t *testing.T) {
	model := loadTiny(t, tfmodel.Options{})
	length := tiny().EmbeddingLength()
	tests := []struct {
		give string
		call func() error
		want string
	}{
		{"no images", func() error { _, err := model.Encode(t.Context(), nil); return err }, "got 0 bytes, want a positive multiple of 240"},
		{"part of an image", func() error { _, err := model.Encode(t.Context(), make([]byte, 241)); return err }, "got 241 bytes"},
		{"no embeddings", func() error { _, err := model.Compare(t.Context(), nil, nil); return err }, "got 0 and 0 values"},
		{"different counts", func() error {
			_, err := model.Compare(t.Context(), make([]float32, length), make([]float32, 2*length))
			return err
		}, "got 16 and 32 values"},
	}
	for _, tt := range tests {
		if err := tt.call(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.give, err, tt.want)
		}
	}
}

func TestModelLooksAtTheContextBeforeARun(t *testing.T) {
	model := loadTiny(t, tfmodel.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := model.Encode(ctx, randomPixels(tiny(), 1, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Encode with a cancelled context = %v, want context.Canceled", err)
	}
	embedding := make([]float32, tiny().EmbeddingLength())
	if _, err := model.Compare(ctx, embedding, embedding); !errors.Is(err, context.Canceled) {
		t.Errorf("Compare with a cancelled context = %v, want context.Canceled", err)
	}
}

// TestCloseBesideRuns closes a model under its callers: a crash in C if the
// lock were missing.
func TestCloseBesideRuns(t *testing.T) {
	model, err := tfmodel.Load(t.Context(), exportTiny(t), tfmodel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pixels := randomPixels(tiny(), 2, 1)
	var callers sync.WaitGroup
	started := make(chan struct{}, 4)
	for range 4 {
		callers.Go(func() {
			started <- struct{}{}
			for {
				if _, err := model.Encode(context.Background(), pixels); err != nil {
					if !strings.Contains(err.Error(), "closed") {
						t.Errorf("Encode beside Close = %v, want an error that says closed", err)
					}
					return
				}
			}
		})
	}
	for range 4 {
		<-started
	}
	if err := model.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	callers.Wait()
	if err := model.Close(); err != nil {
		t.Errorf("second Close() = %v, want nil", err)
	}
}
