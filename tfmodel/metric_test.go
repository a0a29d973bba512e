package tfmodel_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"siamese/gallery"
	"siamese/tfmodel"
	"siamese/weights"
)

// loadWith loads the tiny network with another head.
func loadWith(t *testing.T, head func(set *weights.Set) (*weights.Set, error)) (*tfmodel.Model, *weights.Set) {
	t.Helper()
	source := tinySource(t)
	var err error
	if source.Weights, err = head(source.Weights); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "tiny", "1")
	if err := tfmodel.Export(t.Context(), dir, source, tfmodel.Options{}); err != nil {
		t.Fatal(err)
	}
	return load(t, dir, tfmodel.Options{}), source.Weights
}

func TestADistanceHeadTellsItsMetric(t *testing.T) {
	model, set := loadWith(t, func(set *weights.Set) (*weights.Set, error) {
		return tfmodel.DistanceHead(tiny(), set, tfmodel.DistanceConfig{Distance: 10})
	})
	first, _ := set.Get("dense_1/kernel")
	last, _ := set.Get("dense_2/kernel")
	got := model.MetricWeights()
	if len(got) != tiny().EmbeddingLength() {
		t.Fatalf("MetricWeights has %d numbers, want %d", len(got), tiny().EmbeddingLength())
	}
	for i, weight := range got {
		want := 0.0
		for j, unit := range last.Data {
			want -= float64(first.Data[i*len(last.Data)+j]) * float64(unit)
		}
		if want <= 0 || math.Abs(float64(weight)-want) > float32Tolerance {
			t.Errorf("weight %d = %v, want %v and above 0", i, weight, want)
		}
	}
}

// unsparse is a head as training without constraints leaves it: every number goes into
// every unit, with either sign, and all in all differences make pairs less alike.
func unsparse(set *weights.Set) (*weights.Set, error) {
	random := rand.New(rand.NewPCG(9, 9))
	var tensors []weights.Tensor
	for tensor := range set.All() {
		tensor.Data = slices.Clone(tensor.Data)
		for i := range tensor.Data {
			switch tensor.Name {
			case "dense_1/kernel":
				importance := float32(1+i/tiny().Hidden%5) / 5
				tensor.Data[i] = importance * (random.Float32() - 0.25)
			case "dense_1/bias":
				tensor.Data[i] = 0.1 * random.Float32()
			case "dense_2/kernel":
				tensor.Data[i] = 0.3 - 1.5*random.Float32()
			case "dense_2/bias":
				tensor.Data[i] = 4
			}
		}
		tensors = append(tensors, tensor)
	}
	return weights.New(tensors...)
}

// Of a head that is no distance the metric is learnt from what it says.
func TestAnUnsparseHeadIsLearnt(t *testing.T) {
	model, set := loadWith(t, unsparse)
	if got := model.MetricWeights(); got != nil {
		t.Fatalf("MetricWeights = %v, want none of a head that is no distance", got)
	}
	const count = 300
	embeddings, err := model.Encode(t.Context(), colouredPixels(count))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []gallery.Vector
	for embedding := range slices.Chunk(embeddings, tiny().EmbeddingLength()) {
		vectors = append(vectors, gallery.NewVector(embedding))
	}
	metric, err := gallery.LearnMetric(t.Context(), model, set.Digest(), vectors[:150])
	if err != nil {
		t.Fatal(err)
	}
	equal, err := gallery.NewMetric(set.Digest(), slices.Repeat([]float32{1}, tiny().EmbeddingLength()))
	if err != nil {
		t.Fatal(err)
	}
	got, plain := bestFound(t, model, metric, vectors), bestFound(t, model, equal, vectors)
	t.Logf("%.3f of the head's best ten are among the 20 nearest of %d, with equal weights %.3f", got, count, plain)
	if got < plain || got < 0.9 {
		t.Errorf("%.3f of the head's best ten are among the 20 nearest, want at least 0.9 and the %.3f of equal weights", got, plain)
	}
}

// colouredPixels are seeded images that differ in their colours too.
func colouredPixels(count int) []byte {
	random := rand.New(rand.NewPCG(7, 7))
	pixels := randomPixels(tiny(), count, 5)
	for picture := range slices.Chunk(pixels, tiny().ImageBytes()) {
		colour := [3]float32{random.Float32(), random.Float32(), random.Float32()}
		for i := range picture {
			picture[i] = byte(float32(picture[i]) * colour[i%3])
		}
	}
	return pixels
}

// bestFound is the share of the head's best ten that are among the metric's 20 nearest,
// of queries that nothing was learnt from.
func bestFound(t *testing.T, model *tfmodel.Model, metric *gallery.Metric, vectors []gallery.Vector) float64 {
	t.Helper()
	order := make([]int, len(vectors))
	for i := range order {
		order[i] = i
	}
	var all []float32
	for _, v := range vectors {
		all = v.AppendTo(all)
	}
	const queries = 30
	found := 0
	for _, query := range vectors[len(vectors)-queries:] {
		var repeated []float32
		for range vectors {
			repeated = query.AppendTo(repeated)
		}
		similarities, err := model.Compare(t.Context(), repeated, all)
		if err != nil {
			t.Fatal(err)
		}
		best := slices.SortedStableFunc(slices.Values(order), func(a, b int) int { return cmp.Compare(similarities[b], similarities[a]) })
		nearest := slices.SortedStableFunc(slices.Values(order), func(a, b int) int {
			return cmp.Compare(metric.Distance(query, vectors[a]), metric.Distance(query, vectors[b]))
		})
		for _, i := range best[:10] {
			if slices.Contains(nearest[:20], i) {
				found++
			}
		}
	}
	return float64(found) / (10 * queries)
}
