package evaluate_test

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
	"strings"
	"testing"

	"siamese/imaging"
	"siamese/train/dataset"
)

// side is the tests' input size. Pictures are made at it, so that preparing
// leaves their pixels alone.
const side = 8

// Pictures of these tests are of one colour that says what they are: red the
// alphabet, green the class, blue the drawer.
func picture(alphabet, class, drawer int) *imaging.Picture {
	colour := []byte{byte(alphabet), byte(class), byte(drawer)}
	return &imaging.Picture{Width: side, Height: side, Pix: bytes.Repeat(colour, side*side)}
}

// fakeModel embeds a picture as its mean colour, 3 floats. It notes what it was
// asked, and can answer by another rule.
type fakeModel struct {
	similarity func(a, b []float32) float32 // nil = by class and alphabet
	encoded    map[string]int               // how often each picture was encoded, by its pixels
	batches    []int                        // images of each Encode
	compared   [][2][]float32               // every pair of embeddings
	err        error                        // what both calls return
}

func (m *fakeModel) Encode(_ context.Context, pixels []byte) ([]float32, error) {
	const size = side * side * 3
	if m.encoded == nil {
		m.encoded = map[string]int{}
	}
	m.batches = append(m.batches, len(pixels)/size)
	var embeddings []float32
	for ; len(pixels) > 0; pixels = pixels[size:] {
		m.encoded[string(pixels[:size])]++
		var sum [3]float32
		for i, value := range pixels[:size] {
			sum[i%3] += float32(value)
		}
		for _, s := range sum {
			embeddings = append(embeddings, s/(side*side))
		}
	}
	return embeddings, m.err
}

func (m *fakeModel) Compare(_ context.Context, a, b []float32) ([]float32, error) {
	rule := m.similarity
	if rule == nil {
		rule = byClass
	}
	var similarities []float32
	for i := 0; i < len(a); i += 3 {
		x, y := a[i:i+3], b[i:i+3]
		m.compared = append(m.compared, [2][]float32{{x[0], x[1], x[2]}, {y[0], y[1], y[2]}})
		similarities = append(similarities, rule(x, y))
	}
	return similarities, m.err
}

// byClass is the perfect answer, falling with the distance of class and alphabet.
func byClass(a, b []float32) float32 {
	distance := math.Abs(float64(a[0]-b[0])) + math.Abs(float64(a[1]-b[1]))
	return float32(math.Exp(-distance))
}

// constant answers the same to everything.
func constant(_, _ []float32) float32 { return 0.5 }

// wantEncodedOnce fails where a picture was encoded twice or a batch was too large.
func (m *fakeModel) wantEncodedOnce(t *testing.T) {
	t.Helper()
	for pixels, times := range m.encoded {
		if times != 1 {
			t.Errorf("picture of colour %v was encoded %d times, want once", []byte(pixels[:3]), times)
		}
	}
	for _, images := range m.batches {
		if images > 32 {
			t.Errorf("a batch had %d images, want at most 32", images)
		}
	}
}

func preparer(t *testing.T) *imaging.Preparer {
	t.Helper()
	p, err := imaging.New(imaging.Config{Width: side, Height: side})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// omniglot opens a dataset of the given classes by alphabet, each drawn by
// drawers from 1 on; classes are numbered through all alphabets.
func omniglot(t *testing.T, drawers int, classes ...int) *dataset.Dataset {
	t.Helper()
	root, number := t.TempDir(), 0
	for alphabet, count := range classes {
		for class := range count {
			number++
			folder := filepath.Join(root, fmt.Sprintf("alphabet%d", alphabet+1), fmt.Sprintf("character%02d", class+1))
			for drawer := 1; drawer <= drawers; drawer++ {
				name := fmt.Sprintf("%04d_%02d.png", number, drawer)
				putPicture(t, filepath.Join(folder, name), picture(alphabet+1, number, drawer))
			}
		}
	}
	return openDataset(t, root, dataset.Omniglot)
}

func openDataset(t *testing.T, root string, layout dataset.Layout) *dataset.Dataset {
	t.Helper()
	d, _, err := dataset.Open(t.Context(), dataset.Config{Path: root, Layout: layout, Preparer: preparer(t)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// putPicture writes a PNG by the standard library alone.
func putPicture(t *testing.T, path string, p *imaging.Picture) {
	t.Helper()
	canvas := image.NewRGBA(image.Rect(0, 0, p.Width, p.Height))
	for i := range p.Width * p.Height {
		canvas.Set(i%p.Width, i/p.Width, color.RGBA{p.Pix[3*i], p.Pix[3*i+1], p.Pix[3*i+2], 0xff})
	}
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, canvas); err != nil {
		t.Fatal(err)
	}
	put(t, path, encoded.Bytes())
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644))
	if err != nil {
		t.Fatal(err)
	}
}

// wantError fails unless the error's text holds the wanted part.
func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("error = %v, want one with %q", err, part)
	}
}
