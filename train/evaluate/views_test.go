package evaluate_test

import (
	"context"
	"strings"
	"testing"

	"siamese/imaging"
	"siamese/imaging/views"
	"siamese/train/evaluate"
)

// lightness is a network of two numbers a picture: the mean of its first and second half.
type lightness struct{ side int }

func (m lightness) Encode(_ context.Context, pixels []byte) ([]float32, error) {
	var embeddings []float32
	half := m.side * m.side * 3 / 2
	for ; len(pixels) > 0; pixels = pixels[half:] {
		sum := 0
		for _, v := range pixels[:half] {
			sum += int(v)
		}
		embeddings = append(embeddings, float32(sum)/float32(255*half))
	}
	return embeddings, nil
}

func (m lightness) Compare(_ context.Context, a, b []float32) ([]float32, error) {
	var similarities []float32
	for i := 0; i < len(a); i += 2 {
		similarities = append(similarities, 1-max(a[i]-b[i], b[i]-a[i])/2-max(a[i+1]-b[i+1], b[i+1]-a[i+1])/2)
	}
	return similarities, nil
}

func TestInViewsIsTheMean(t *testing.T) {
	const side, n = 8, 6
	model := lightness{side}
	var pixels []byte
	for i := range 2 * side * side * 3 {
		pixels = append(pixels, byte(i*i*7))
	}
	var of [2][]float32 // embeddings of the views of each picture
	for i := range of {
		made, err := views.Of(&imaging.Picture{Width: side, Height: side, Pix: pixels[i*side*side*3 : (i+1)*side*side*3]}, n)
		if err != nil {
			t.Fatal(err)
		}
		for _, view := range made {
			embedding, _ := model.Encode(t.Context(), view.Pix)
			of[i] = append(of[i], embedding...)
		}
	}
	mean := func(pairs ...[2]int) float32 {
		sum := 0.0
		for _, pair := range pairs {
			similarities, _ := model.Compare(t.Context(), of[0][2*pair[0]:2*pair[0]+2], of[1][2*pair[1]:2*pair[1]+2])
			sum += float64(similarities[0])
		}
		return float32(sum / float64(len(pairs)))
	}
	oneSided := [][2]int{{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}}
	for _, tt := range []struct {
		oneSided bool
		want     float32
	}{
		{true, mean(oneSided...)},
		{false, mean(append(oneSided, [2]int{0, 1}, [2]int{0, 2}, [2]int{0, 3}, [2]int{0, 4}, [2]int{0, 5})...)},
	} {
		asked, err := evaluate.InViews(model, evaluate.ViewsConfig{Width: side, Height: side, EmbeddingLength: 2, Views: n, OneSided: tt.oneSided})
		if err != nil {
			t.Fatal(err)
		}
		embeddings, err := asked.Encode(t.Context(), pixels)
		if err != nil || len(embeddings) != 2*2*n {
			t.Fatalf("Encode: %d numbers, %v, want %d", len(embeddings), err, 2*2*n)
		}
		got, err := asked.Compare(t.Context(), embeddings[:2*n], embeddings[2*n:])
		if off := got[0] - tt.want; err != nil || off > 1e-6 || off < -1e-6 {
			t.Errorf("one-sided %v: %v, %v, want %v", tt.oneSided, got, err, tt.want)
		}
	}
}

func TestInViewsOfOneIsTheModel(t *testing.T) {
	model := lightness{4}
	asked, err := evaluate.InViews(model, evaluate.ViewsConfig{Width: 4, Height: 4, EmbeddingLength: 2, Views: 1})
	if err != nil || asked != evaluate.Model(model) {
		t.Errorf("InViews = %v, %v, want the model itself", asked, err)
	}
}

func TestInViewsRefuses(t *testing.T) {
	good := evaluate.ViewsConfig{Width: 4, Height: 4, EmbeddingLength: 2, Views: 2}
	for want, change := range map[string]func(*evaluate.ViewsConfig){
		"Views is 0":           func(c *evaluate.ViewsConfig) { c.Views = 0 },
		"Views is 17":          func(c *evaluate.ViewsConfig) { c.Views = 17 },
		"the input is 0x4":     func(c *evaluate.ViewsConfig) { c.Width = 0 },
		"EmbeddingLength is 0": func(c *evaluate.ViewsConfig) { c.EmbeddingLength = 0 },
	} {
		config := good
		change(&config)
		if _, err := evaluate.InViews(lightness{4}, config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
	asked, err := evaluate.InViews(lightness{4}, good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := asked.Encode(t.Context(), make([]byte, 47)); err == nil {
		t.Error("Encode took 47 bytes of pictures of 48")
	}
	if _, err := asked.Compare(t.Context(), make([]float32, 5), make([]float32, 5)); err == nil {
		t.Error("Compare took 5 numbers of embeddings of 4")
	}
}
