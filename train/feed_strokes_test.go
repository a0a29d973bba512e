package train_test

import (
	"bytes"
	"reflect"
	"testing"

	"siamese/imaging"
	"siamese/train"
	"siamese/train/augment"
	"siamese/train/dataset"
	"siamese/train/sample"
)

// strokesSetup feeds testdata's drawings, a share of them drawn again, with twins.
func strokesSetup(tb testing.TB, cfg sample.AllPairsConfig, recipe augment.AffineConfig) train.Setup {
	tb.Helper()
	preparer, err := imaging.New(imaging.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	data, _, err := dataset.Open(tb.Context(), dataset.Config{Path: "../testdata/omniglot", Preparer: preparer})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { data.Close() })
	if data, _, err = data.WithStrokes(tb.Context(), dataset.StrokesConfig{Twins: 6, Seed: 1}); err != nil {
		tb.Fatal(err)
	}
	augmenter, err := augment.New("affine", augment.Config{Affine: recipe})
	if err != nil {
		tb.Fatal(err)
	}
	sampler, err := sample.NewAllPairs(data, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return train.Setup{Config: train.Config{Seed: 5}, Data: data, Sampler: sampler, Augment: augmenter}
}

// TestStrokesFeedByTheSeed: batches with drawings drawn again are the same however many
// are made at a time, and those after a Restore are those of the run before.
func TestStrokesFeedByTheSeed(t *testing.T) {
	cfg := sample.AllPairsConfig{Images: 24, PerClass: 3, Seed: 3, Redraw: 0.6, Twins: 0.25}
	var want []train.Batch
	must(t, train.Feed(t.Context(), strokesSetup(t, cfg, augment.DefaultAffine()), 3, func(b train.Batch) { want = append(want, b) }))
	again := strokesSetup(t, cfg, augment.DefaultAffine())
	again.Workers = 1
	var got []train.Batch
	must(t, train.Feed(t.Context(), again, 3, func(b train.Batch) { got = append(got, b) }))
	if !reflect.DeepEqual(want, got) { // quicker than cmp with megabytes
		t.Error("by one worker other batches come of the same seed")
	}
	if bytes.Equal(want[0].Pixels, want[1].Pixels) {
		t.Error("two batches are alike")
	}
}

// BenchmarkFeedStrokes is BenchmarkFeed's "recipe" with no drawings, half of them and all
// of them drawn again, and with twins.
func BenchmarkFeedStrokes(b *testing.B) {
	recipe := augment.DefaultAffine()
	recipe.ShiftPixels, recipe.Probability = 8, 0.8
	for _, bb := range []struct {
		name          string
		redraw, twins float64
	}{{"none", 0, 0}, {"half", 0.5, 0}, {"all", 1, 0}, {"half-and-twins", 0.5, 0.25}} {
		b.Run(bb.name, func(b *testing.B) {
			setup := strokesSetup(b, sample.AllPairsConfig{Images: 48, PerClass: 3, Seed: 3, Redraw: bb.redraw, Twins: bb.twins}, recipe)
			images := 0
			b.ReportAllocs()
			b.ResetTimer()
			before := coreTime()
			if err := train.Feed(b.Context(), setup, b.N, func(batch train.Batch) { images += len(batch.Labels) }); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(images)/b.Elapsed().Seconds(), "images/s")
			b.ReportMetric(float64(images)/(coreTime()-before).Seconds(), "images/core-s")
		})
	}
}
