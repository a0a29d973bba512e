package tfmodel

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math"
)

// GoldenTolerance is how far a golden pair's similarity may be off: processors
// round differently, and the built-in card gives three digits. See also
// BFloat16Tolerance.
const GoldenTolerance = 1e-3

// checkGoldenPairs runs the golden pairs of a loaded model, whose pictures are
// in files, and holds them to a tolerance.
func (m *Model) checkGoldenPairs(ctx context.Context, files fs.FS, tolerance float64) error {
	if len(m.card.GoldenPairs) == 0 {
		return fmt.Errorf("its card names no golden pair, want at least one")
	}
	measured, err := m.measureGoldenPairs(ctx, files)
	if err != nil {
		return err
	}
	for i, pair := range m.card.GoldenPairs {
		// Written so that a NaN fails too.
		if !(math.Abs(measured[i]-pair.Similarity) <= tolerance) {
			return fmt.Errorf("its golden pair %s, %s has similarity %.6f, want %.6f ± %g",
				pair.A, pair.B, measured[i], pair.Similarity, tolerance)
		}
	}
	return nil
}

// measureGoldenPairs gives the similarity of each golden pair. Every picture is
// encoded on its own, then all at once: the sizes that a server begins with are
// warm afterwards.
func (m *Model) measureGoldenPairs(ctx context.Context, files fs.FS) ([]float64, error) {
	var a, b []float32
	encode := func(name string) ([]float32, error) {
		pixels, err := readGoldenPicture(files, name, m.card.Architecture)
		if err != nil {
			return nil, err
		}
		embedding, err := m.Encode(ctx, pixels)
		if err == nil {
			err = m.CheckEmbedding(embedding)
		}
		if err != nil {
			return nil, fmt.Errorf("golden picture %s: %w", name, err)
		}
		return embedding, nil
	}
	for _, pair := range m.card.GoldenPairs {
		embeddingA, err := encode(pair.A)
		if err != nil {
			return nil, err
		}
		embeddingB, err := encode(pair.B)
		if err != nil {
			return nil, err
		}
		a, b = append(a, embeddingA...), append(b, embeddingB...)
	}
	similarities, err := m.Compare(ctx, a, b)
	if err != nil {
		return nil, err
	}
	measured := make([]float64, len(similarities))
	for i, similarity := range similarities {
		measured[i] = float64(similarity)
	}
	return measured, nil
}

// readGoldenPicture reads a PNG of exactly the input's size as uint8 [H,W,3].
// It is not resized: a golden pair is to test the network alone.
func readGoldenPicture(files fs.FS, name string, architecture Architecture) ([]byte, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("golden picture: %w", err)
	}
	// The size is held first: a few bytes can claim pictures of many gigabytes.
	size, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("golden picture %s: %w", name, err)
	}
	if size.Width != architecture.Width || size.Height != architecture.Height {
		return nil, fmt.Errorf("golden picture %s is %d×%d, want %d×%d", name, size.Width, size.Height, architecture.Width, architecture.Height)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("golden picture %s: %w", name, err)
	}
	bounds := picture.Bounds()
	pixels := make([]byte, 0, architecture.ImageBytes())
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			pixel := color.NRGBAModel.Convert(picture.At(x, y)).(color.NRGBA)
			pixels = append(pixels, pixel.R, pixel.G, pixel.B)
		}
	}
	return pixels, nil
}

// The golden pair of a weight file that comes without a card.
const (
	patternA = "golden/pattern_a.png"
	patternB = "golden/pattern_b.png"
)

// patternPictures draws the golden pair for weights that bring none: two
// patterns that use every pixel and channel.
func patternPictures(architecture Architecture) (map[string][]byte, error) {
	pictures := make(map[string][]byte)
	for name, step := range map[string]int{patternA: 5, patternB: 7} {
		picture := image.NewNRGBA(image.Rect(0, 0, architecture.Width, architecture.Height))
		for y := range architecture.Height {
			for x := range architecture.Width {
				picture.SetNRGBA(x, y, color.NRGBA{R: uint8(x * step), G: uint8(y * step), B: uint8((x + y) * step), A: 255})
			}
		}
		var encoded bytes.Buffer
		if err := png.Encode(&encoded, picture); err != nil {
			return nil, fmt.Errorf("draw %s: %w", name, err)
		}
		pictures[name] = encoded.Bytes()
	}
	return pictures, nil
}
