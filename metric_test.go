package siamese_test

import (
	"math"
	"testing"

	"siamese"
	"siamese/gallery"
)

// The built-in heads measure distances: their logits fall with the metric alone.
func TestMetricOrdersAsTheModelDoes(t *testing.T) {
	for _, name := range []string{"omniglot", "general"} {
		t.Run(name, func(t *testing.T) {
			model, err := siamese.Open(t.Context(), name, siamese.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer model.Close()
			metric, err := model.Metric()
			if err != nil {
				t.Fatal(err)
			}
			if metric.ModelDigest() != model.Digest() || len(metric.Weights()) != model.EmbeddingLength() {
				t.Fatalf("the metric is of model %q and %d numbers, want %q and %d",
					metric.ModelDigest(), len(metric.Weights()), model.Digest(), model.EmbeddingLength())
			}
			embeddings, err := model.Embed(t.Context(), siamese.File(glyphA), siamese.File(glyphB), siamese.File(glyphC), siamese.File(hills), siamese.File(balls))
			if err != nil {
				t.Fatal(err)
			}
			checkOrder(t, model, metric, embeddings)
		})
	}
}

// checkOrder holds the order of pairs by distance against that by similarity.
func checkOrder(t *testing.T, model *siamese.Model, metric *gallery.Metric, embeddings [][]float32) {
	t.Helper()
	var distances, logits []float64
	for i, a := range embeddings {
		for _, b := range embeddings[:i] {
			similarities, err := model.Head().Compare(t.Context(), a, b)
			if err != nil {
				t.Fatal(err)
			}
			s := float64(similarities[0])
			distances = append(distances, float64(metric.Distance(gallery.NewVector(a), gallery.NewVector(b))))
			logits = append(logits, math.Log(s/(1-s)))
		}
	}
	for i := range distances {
		for j := range distances[:i] {
			// Distances that differ by less are near thresholds of hidden units.
			const distinct = 0.2
			if math.Abs(distances[i]-distances[j]) > distinct && distances[i] < distances[j] != (logits[i] > logits[j]) {
				t.Errorf("distances %v and %v have logits %v and %v, want the larger for the smaller", distances[i], distances[j], logits[i], logits[j])
			}
		}
	}
}
