package tfmodel_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"siamese/imaging"
	"siamese/tfmodel"
)

// The bars for agreement with Keras: both compute in float32, in other orders.
const (
	kerasEmbeddingTolerance  = 1e-4 // of the embedding's rms
	kerasSimilarityTolerance = 1e-4
)

// kerasGoldens is testdata/keras/goldens.json; see the README beside it.
type kerasGoldens struct {
	Images []struct {
		Path           string  `json:"path"`
		PreparedSHA256 string  `json:"prepared_sha256"`
		EmbeddingRMS   float64 `json:"embedding_rms"`
	} `json:"images"`
	Pairs []struct {
		A          string  `json:"a"`
		B          string  `json:"b"`
		Similarity float64 `json:"similarity"`
	} `json:"pairs"`
}

// TestBuiltinModelAgreesWithKeras runs pictures from their files to
// similarities and holds each step against what Keras made of them.
func TestBuiltinModelAgreesWithKeras(t *testing.T) {
	var goldens kerasGoldens
	must(t, json.Unmarshal(read(t, "../testdata/keras", "goldens.json"), &goldens))
	wants := read(t, "../testdata/keras", "embeddings.f32")
	model := open(t, &tfmodel.Store{Dir: t.TempDir()}, "")
	length := model.Card().Architecture.EmbeddingLength()
	if len(goldens.Images) == 0 || len(wants) != len(goldens.Images)*length*4 {
		t.Fatalf("goldens hold %d images and %d bytes of embeddings, want some, and 4 × %d bytes each", len(goldens.Images), len(wants), length)
	}
	embeddings := make(map[string][]float32)
	for i, golden := range goldens.Images {
		pixels := prepare(t, golden.Path)
		if hash := sha256.Sum256(pixels); hex.EncodeToString(hash[:]) != golden.PreparedSHA256 {
			t.Errorf("%s: prepared pixels differ from Pillow's", golden.Path)
		}
		embedding, err := model.Encode(t.Context(), pixels)
		must(t, err)
		embeddings[golden.Path] = embedding
		worst := 0.0
		for k, got := range embedding {
			want := math.Float32frombits(binary.LittleEndian.Uint32(wants[(i*length+k)*4:]))
			worst = max(worst, math.Abs(float64(got-want)))
		}
		if worst > kerasEmbeddingTolerance*golden.EmbeddingRMS {
			t.Errorf("%s: embedding is %g off Keras', want at most %g", golden.Path, worst, kerasEmbeddingTolerance*golden.EmbeddingRMS)
		}
	}
	for _, pair := range goldens.Pairs {
		got, err := model.Compare(t.Context(), embeddings[pair.A], embeddings[pair.B])
		must(t, err)
		if math.Abs(float64(got[0])-pair.Similarity) > kerasSimilarityTolerance {
			t.Errorf("%s, %s: similarity %v, Keras says %v", pair.A, pair.B, got[0], pair.Similarity)
		}
	}
}

func prepare(t *testing.T, path string) []byte {
	t.Helper()
	preparer, err := imaging.New(imaging.Config{})
	must(t, err)
	data, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(path)))
	must(t, err)
	picture, err := preparer.Prepare(data)
	must(t, err)
	return picture.Pix
}
