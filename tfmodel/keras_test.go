package tfmodel_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"siamese/imaging"
	"siamese/tfmodel"
	"siamese/weights"
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
	model := open(t, tfmodel.Scratch{Dir: t.TempDir()}, "omniglot")
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

// The bars for training as Keras does. Both compute in float32, in other orders,
// which was seen to move losses by 1e-7 and weights by 3e-6 in three updates;
// classical momentum in Nesterov's place moves both by more than 1e-2, Adam with
// another epsilon (1e-5) losses by 8e-4.
const (
	kerasLossTolerance   = 1e-4
	kerasWeightTolerance = 1e-4
)

const kerasTrainingDir = "../testdata/keras/training"

// kerasTraining is testdata/keras/training/goldens.json; see the README beside it.
type kerasTraining struct {
	A    []int32    `json:"a"`
	B    []int32    `json:"b"`
	Same []bool     `json:"same"`
	Runs []kerasRun `json:"runs"`
}

type kerasRun struct {
	File         string                `json:"file"`
	LearningRate float64               `json:"learning_rate"`
	Config       tfmodel.TrainerConfig `json:"config"`
	Losses       []float64             `json:"losses"`
}

// batch is what Keras trained on; each pair counts the same.
func (k kerasTraining) batch(t *testing.T) tfmodel.TrainBatch {
	t.Helper()
	batch := tfmodel.TrainBatch{Pixels: read(t, kerasTrainingDir, "pixels.u8"), A: k.A, B: k.B, Same: k.Same}
	for range k.A {
		batch.Weights = append(batch.Weights, 1/float32(len(k.A)))
	}
	return batch
}

// TestUpdatesAreThoseOfKeras takes the updates that Keras took, from the same
// weights on the same batch, and compares the losses on the way and the weights
// at the end.
func TestUpdatesAreThoseOfKeras(t *testing.T) {
	var golden kerasTraining
	must(t, json.Unmarshal(read(t, kerasTrainingDir, "goldens.json"), &golden))
	if len(golden.Runs) != 2 {
		t.Fatalf("goldens hold %d runs, want 2", len(golden.Runs))
	}
	for _, run := range golden.Runs {
		t.Run(fmt.Sprint(run.Config.Optimizer), func(t *testing.T) {
			losses, after := trainAs(t, run, golden.batch(t))
			for i, want := range run.Losses {
				if !(math.Abs(losses[i]-want) <= kerasLossTolerance) { // NaN is a difference
					t.Errorf("loss after %d updates = %v, Keras says %v", i, losses[i], want)
				}
			}
			compareWeights(t, after, kerasWeights(t, run.File))
		})
	}
}

// trainAs makes as many updates as the run has losses but one, and returns the
// losses before each and after the last, and the weights after the last.
func trainAs(t *testing.T, run kerasRun, batch tfmodel.TrainBatch) (losses []float64, after *weights.Set) {
	t.Helper()
	if len(run.Losses) != 4 {
		t.Fatalf("goldens hold %d losses, want 4", len(run.Losses))
	}
	trainer, err := tfmodel.NewTrainer(tiny(), kerasWeights(t, "weights.safetensors"), run.Config, tfmodel.Options{})
	must(t, err)
	defer func() { must(t, trainer.Close()) }()
	for range run.Losses {
		// The last step is for its loss alone: it tells that of before its update.
		after, err = trainer.Weights()
		must(t, err)
		result, err := trainer.Step(t.Context(), batch, run.LearningRate)
		must(t, err)
		losses = append(losses, result.Loss)
	}
	return losses, after
}

func kerasWeights(t *testing.T, name string) *weights.Set {
	t.Helper()
	set, err := weights.Read(filepath.Join(kerasTrainingDir, name))
	must(t, err)
	return set
}

// compareWeights holds each of the network's tensors against Keras'.
func compareWeights(t *testing.T, got, want *weights.Set) {
	t.Helper()
	for _, variable := range tiny().Variables() {
		ours, ok := got.Get(variable.Name)
		keras, found := want.Get(variable.Name)
		if !ok || !found || len(ours.Data) != len(keras.Data) {
			t.Errorf("%s: %d values, Keras has %d, want %d", variable.Name, len(ours.Data), len(keras.Data), variable.Size())
			continue
		}
		worst := 0.0
		for i := range keras.Data {
			worst = max(worst, math.Abs(float64(ours.Data[i]-keras.Data[i]))) // NaN stays NaN
		}
		if !(worst <= kerasWeightTolerance) {
			t.Errorf("%s is %g off Keras', want at most %g", variable.Name, worst, kerasWeightTolerance)
		}
	}
}
