package server_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync/atomic"
	"testing"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// lightModel is a network that knows light pictures. Of 8x8 pixels it makes one
// number, their mean, 0..1; a similarity is 1-|a-b|.
type lightModel struct {
	encode  func(ctx context.Context, images int) error // as fakeModel's
	encoded atomic.Int64
}

const (
	lightSide      = 8
	lightThreshold = float32(0.9)
	lightDigest    = "1161127"
)

func (m *lightModel) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	const imageBytes = lightSide * lightSide * 3
	m.encoded.Add(int64(len(pixels) / imageBytes))
	if m.encode != nil {
		if err := m.encode(ctx, len(pixels)/imageBytes); err != nil {
			return nil, err
		}
	}
	var embeddings []float32
	for image := range slices.Chunk(pixels, imageBytes) {
		sum := 0
		for _, v := range image {
			sum += int(v)
		}
		embeddings = append(embeddings, float32(sum)/(255*imageBytes))
	}
	return embeddings, nil
}

func (m *lightModel) Compare(_ context.Context, a, b []float32) ([]float32, error) {
	similarities := make([]float32, len(a))
	for i := range a {
		similarities[i] = 1 - float32(math.Abs(float64(a[i]-b[i])))
	}
	return similarities, nil
}

func lightSimilarity(a, b byte) float32 { return 1 - float32(math.Abs(float64(a)-float64(b)))/255 }

// lightly is how familiar a level of grey is to the light model.
func lightly(level byte) *pb.Familiarity {
	value := float32(level) / 255
	return &pb.Familiarity{Value: value, Foreign: value < 0.25}
}

func lightEmbedding(level byte) *pb.Image { return embedding(lightDigest, float32(level)/255) }

var lightReference = &pb.ModelReference{Name: "light", Version: "light", Digest: lightDigest}

func lightInfo() server.ModelInfo {
	return server.ModelInfo{
		ServingName: "light", Name: "light", Version: "light", Digest: lightDigest, Height: lightSide, Width: lightSide,
		EmbeddingLength: 1, EmbeddingMax: 1, Threshold: lightThreshold,
		Familiarity: &byLevel{of: func(level float32) float32 { return level }, bound: 0.25},
	}
}

// auto is a server of which "auto" chooses between two models; the dark one is tried
// first. A level of 64 to 191 is familiar to both, one above that to the light one
// alone, one below to the dark one alone.
type auto struct {
	*running
	dark  *fakeModel
	light *lightModel
}

func serveAuto(t *testing.T, cfg server.Config) *auto {
	t.Helper()
	return serveAutoOf(t, cfg, &auto{dark: &fakeModel{}, light: &lightModel{}})
}

func serveAutoOf(t *testing.T, cfg server.Config, a *auto) *auto {
	t.Helper()
	cfg.Models = []string{"dark", "light"}
	cfg.AutoModels, cfg.DefaultModel = cfg.Models, server.Auto
	a.running = serveBare(t, cfg)
	if err := addAuto(a.server, a.dark, a.light); err != nil {
		t.Fatal(err)
	}
	return a
}

// addAuto gives a server both models, with runs as large as the dark one says.
func addAuto(s *server.Server, dark *fakeModel, light *lightModel) error {
	darkInfo, lightInfo := darkInfo(), lightInfo()
	darkInfo.MaxBatch, lightInfo.MaxBatch = dark.maxBatch, dark.maxBatch
	return errors.Join(
		s.AddModel(dark, darkInfo),
		s.AddModel(light, lightInfo),
		s.Router("dark").Route(darkInfo.Version, nil),
		s.Router("light").Route(lightInfo.Version, nil),
	)
}

// checkEncoded compares how many images each model has encoded since it was last
// asked.
func (a *auto) checkEncoded(t *testing.T, dark, light int) {
	t.Helper()
	if d, l := a.dark.encodedImages(), int(a.light.encoded.Swap(0)); d != dark || l != light {
		t.Errorf("the dark model encoded %d images and the light one %d, want %d and %d", d, l, dark, light)
	}
	a.dark.mu.Lock()
	a.dark.encoded = 0
	a.dark.mu.Unlock()
}

// compared is what the dark model, or the light one, says of two levels.
func compared(isLight bool, a, b byte, warning string) *pb.CompareResponse {
	if isLight {
		return &pb.CompareResponse{
			Similarity: lightSimilarity(a, b), Same: lightSimilarity(a, b) >= lightThreshold, Threshold: lightThreshold,
			Model: lightReference, FamiliarityA: lightly(a), FamiliarityB: lightly(b), Warning: warning,
		}
	}
	return &pb.CompareResponse{
		Similarity: graySimilarity(a, b), Same: graySimilarity(a, b) >= threshold, Threshold: threshold,
		Model: modelReference, FamiliarityA: darkly(a), FamiliarityB: darkly(b), Warning: warning,
	}
}

const lightSecond = "The second image is unlike the pictures that the model light knows (familiarity 0.039, bound 0.25): the similarity means little."
