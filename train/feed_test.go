package train_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/imaging"
	"siamese/train"
	"siamese/train/augment"
	"siamese/train/dataset"
	"siamese/train/sample"
)

// feedSetup is what Feed needs of a setup.
func feedSetup(tb testing.TB, data *dataset.Dataset, augmenter augment.Augmenter, images int) train.Setup {
	tb.Helper()
	sampler, err := sample.NewAllPairs(data, sample.AllPairsConfig{Images: images, PerClass: 2, Seed: 3})
	if err != nil {
		tb.Fatal(err)
	}
	return train.Setup{Config: train.Config{Seed: 5}, Data: data, Sampler: sampler, Augment: augmenter}
}

// TestFeedFollowsFromTheSeed: a batch is what its images give one by one, however
// many are made at a time and whether they are in memory.
func TestFeedFollowsFromTheSeed(t *testing.T) {
	root := writeData(t)
	for _, name := range augment.Names() {
		augmenter, err := augment.New(name, augment.Config{Width: side, Height: side})
		must(t, err)
		cold := openData(t, root, -1)
		setup := feedSetup(t, cold, augmenter, 8)
		var want []train.Batch
		for step := range 3 {
			drawn := setup.Sampler.Next()
			batch := train.Batch{A: drawn.A, B: drawn.B, Same: drawn.Same, Labels: drawn.Labels}
			for i, image := range drawn.Images {
				picture, err := cold.Picture(image)
				must(t, err)
				random := rand.New(rand.NewPCG(setup.Seed, uint64(step)<<16|uint64(i)))
				batch.Pixels = append(batch.Pixels, augmenter.Apply(random, picture).Pix...)
			}
			want = append(want, batch)
		}
		for _, workers := range []int{1, 3, 100} {
			for _, room := range []int64{-1, 10 * side * side, 0} {
				setup := feedSetup(t, openData(t, root, room), augmenter, 8)
				setup.Workers = workers
				var got []train.Batch
				must(t, train.Feed(t.Context(), setup, len(want), func(batch train.Batch) {
					batch.Weights = nil // TestTowersGetSharesOfTheirOwn looks at them
					got = append(got, batch)
				}))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s with %d workers and %d bytes of memory (-one by one +fed):\n%s", name, workers, room, diff)
				}
			}
		}
	}
}

func TestFeedEndsWithItsContext(t *testing.T) {
	augmenter, err := augment.New("none", augment.Config{Width: side, Height: side})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	taken := 0
	err = train.Feed(ctx, feedSetup(t, makeData(t), augmenter, 8), 1000, func(train.Batch) {
		if taken++; taken == 5 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Feed = %v after %d batches, want context.Canceled", err, taken)
	}
}

// The pictures of BenchmarkFeed: enough for batches of 256.
const (
	feedClasses  = 64
	feedPerClass = 4
	feedImages   = feedClasses * feedPerClass
)

// writeDrawings writes drawings of a few strokes on white paper, as Omniglot's are.
func writeDrawings(b *testing.B) string {
	b.Helper()
	root := b.TempDir()
	random := rand.New(rand.NewPCG(1, 1))
	for class := range feedClasses {
		for number := range feedPerClass {
			picture := image.NewPaletted(image.Rect(0, 0, imaging.DefaultSide, imaging.DefaultSide), color.Palette{color.White, color.Black})
			x, y := 52, 52
			for range 300 { // some 8 % of the pixels, as there
				x, y = min(max(x+random.IntN(5)-2, 5), 95), min(max(y+random.IntN(5)-2, 5), 95)
				for i := range 9 {
					picture.SetColorIndex(x+i%3, y+i/3, 1)
				}
			}
			path := filepath.Join(root, fmt.Sprintf("class%02d", class), fmt.Sprintf("%d.png", number))
			file, err := create(path)
			if err != nil {
				b.Fatal(err)
			}
			if err := errors.Join(png.Encode(file, picture), file.Close()); err != nil {
				b.Fatal(err)
			}
		}
	}
	return root
}

func create(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.Create(path)
}

// coreTime is what this process has used of all cores.
func coreTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // does not fail for this process
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkFeed makes batches of 256 drawings of 105x105 by the distortions of
// affine: the defaults, those that the built-in model was trained with, and these
// with strokes besides. The images/s are of GOMAXPROCS cores together; images/core-s
// count the time that the process had on the cores, whatever other work there is.
func BenchmarkFeed(b *testing.B) {
	root := writeDrawings(b)
	recipe := augment.DefaultAffine()
	recipe.ShiftPixels, recipe.Probability = 8, 0.8
	stroke := recipe
	stroke.StrokePixels, stroke.StrokeProbability = 1, 0.8
	preparer, err := imaging.New(imaging.Config{})
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name   string
		affine augment.AffineConfig
		room   int64
	}{
		{"affine", augment.DefaultAffine(), 0}, {"recipe", recipe, 0}, {"stroke", stroke, 0}, {"affine-decoded", augment.DefaultAffine(), -1},
	} {
		b.Run(bb.name, func(b *testing.B) {
			data, _, err := dataset.Open(b.Context(), dataset.Config{Path: root, Preparer: preparer, PixelBytes: bb.room})
			if err != nil {
				b.Fatal(err)
			}
			defer data.Close()
			augmenter, err := augment.New("affine", augment.Config{Affine: bb.affine})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			before := coreTime()
			if err := train.Feed(b.Context(), feedSetup(b, data, augmenter, feedImages), b.N, func(train.Batch) {}); err != nil {
				b.Fatal(err)
			}
			images := float64(feedImages * b.N)
			b.ReportMetric(images/b.Elapsed().Seconds(), "images/s")
			b.ReportMetric(images/(coreTime()-before).Seconds(), "images/core-s")
		})
	}
}
