package server_test

import (
	"context"
	"math"
	"slices"
	"sync"

	"siamese/server"
)

// The fake network takes 16x16 pixels and makes 12 numbers of them.
const (
	inputSide       = 16
	embeddingLength = 12
	embeddingMax    = 1000
	modelDigest     = "5ca1ab1e"
	threshold       = float32(0.75)
)

var modelInfo = server.ModelInfo{
	Name:            "fake",
	Version:         "3",
	Digest:          modelDigest,
	Height:          inputSide,
	Width:           inputSide,
	EmbeddingLength: embeddingLength,
	EmbeddingMax:    embeddingMax,
	Threshold:       threshold,
	ResizeRule:      "shorter side, centre crop",
	Device:          "cpu",
	Precision:       "float32",
}

// fakeModel is a deterministic stand-in for the network that keeps count. An
// image's embedding is the mean red, green and blue of its four quarters (by
// rows), 0..1; a similarity is exp(-mean|a-b|).
type fakeModel struct {
	// encode and compare, where set, run first and may block, fail or panic;
	// images is what the run carries. They are set before the model serves.
	encode  func(ctx context.Context, images int) error
	compare func(ctx context.Context) error

	// spoil, where set, may change what Encode or Compare returns.
	spoilEmbeddings   func([]float32) []float32
	spoilSimilarities func([]float32) []float32

	// Of ModelInfo; zero: the default.
	maxBatch, runners int

	mu       sync.Mutex
	encoded  int // images
	compares int // runs of the head
}

func (m *fakeModel) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	const imageBytes = inputSide * inputSide * 3
	images := len(pixels) / imageBytes
	m.mu.Lock()
	m.encoded += images
	m.mu.Unlock()
	if m.encode != nil {
		if err := m.encode(ctx, images); err != nil {
			return nil, err
		}
	}
	var embeddings []float32
	for image := range slices.Chunk(pixels, imageBytes) {
		embeddings = append(embeddings, embeddingOf(image)...)
	}
	if m.spoilEmbeddings != nil {
		embeddings = m.spoilEmbeddings(embeddings)
	}
	return embeddings, nil
}

func embeddingOf(pixels []byte) []float32 {
	var embedding []float32
	for quarter := range slices.Chunk(pixels, len(pixels)/4) {
		var sums [3]int
		for i, v := range quarter {
			sums[i%3] += int(v)
		}
		for _, sum := range sums {
			embedding = append(embedding, float32(sum)/float32(255*len(quarter)/3))
		}
	}
	return embedding
}

func (m *fakeModel) Compare(ctx context.Context, a, b []float32) ([]float32, error) {
	m.mu.Lock()
	m.compares++
	m.mu.Unlock()
	if m.compare != nil {
		if err := m.compare(ctx); err != nil {
			return nil, err
		}
	}
	similarities := make([]float32, len(a)/embeddingLength)
	for i := range similarities {
		from, to := i*embeddingLength, (i+1)*embeddingLength
		similarities[i] = similarityOf(a[from:to], b[from:to])
	}
	if m.spoilSimilarities != nil {
		similarities = m.spoilSimilarities(similarities)
	}
	return similarities, nil
}

func similarityOf(a, b []float32) float32 {
	var sum float64
	for i := range a {
		sum += math.Abs(float64(a[i]) - float64(b[i]))
	}
	return float32(math.Exp(-sum / embeddingLength))
}

func (m *fakeModel) encodedImages() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.encoded
}

func (m *fakeModel) compareRuns() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.compares
}
