package gallery_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"siamese/gallery"
	"siamese/gallery/storetest"
)

func TestSample(t *testing.T) {
	for _, tt := range []struct{ entries, stale, want int }{
		{0, 0, 0}, {20, 5, 20}, {600, 100, 512}, {2500, 0, 512},
	} {
		store := storetest.NewMemory()
		if err := store.Create(t.Context(), gallery.Info{Name: "g", ModelDigest: digest, EmbeddingLength: 1}); err != nil {
			t.Fatal(err)
		}
		var entries []gallery.Entry
		for i := range tt.entries {
			entries = append(entries, gallery.Entry{ID: fmt.Sprintf("e%05d", i), ModelDigest: digest, Embedding: gallery.NewVector([]float32{float32(i + 1)})})
		}
		for i := range tt.stale {
			entries = append(entries, gallery.Entry{ID: fmt.Sprintf("e%05ds", i), ModelDigest: "other", Embedding: gallery.NewVector([]float32{-1})})
		}
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
		if _, err := store.Put(t.Context(), "g", entries); err != nil {
			t.Fatal(err)
		}
		sample, err := gallery.Sample(t.Context(), store, "g", digest)
		if err != nil {
			t.Fatal(err)
		}
		var numbers []float32
		for _, v := range sample {
			numbers = v.AppendTo(numbers)
		}
		distinct := slices.Compact(slices.Clone(numbers))
		if len(numbers) != tt.want || len(distinct) != tt.want || !slices.IsSorted(numbers) {
			t.Errorf("of %d entries: a sample of %d, %d different, in order %t, want %d", tt.entries, len(numbers), len(distinct), slices.IsSorted(numbers), tt.want)
		}
		if tt.want > 0 && (numbers[0] != 1 || slices.Min(numbers) < 1 || numbers[len(numbers)-1] != float32(tt.entries)) {
			t.Errorf("of %d entries: from %v to %v, want from the first to the last of the model", tt.entries, numbers[0], numbers[len(numbers)-1])
		}
	}
}
