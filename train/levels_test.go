package train_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/imaging"
	"siamese/train"
	"siamese/train/augment"
	"siamese/train/dataset"
	"siamese/train/sample"
	"siamese/weights"
)

// levelsSetup is setup on two domains of 3 kinds with 3 things of 2 grey pictures.
func levelsSetup(t *testing.T, dir string, model train.Model) train.Setup {
	t.Helper()
	root := t.TempDir()
	for i := range 18 {
		folder := filepath.Join(root, []string{"pictures", "drawings"}[i/9], fmt.Sprint("kind", i/3%3), fmt.Sprint("thing", i%3))
		must(t, os.MkdirAll(folder, 0o755))
		for number := range 2 {
			picture := image.NewGray(image.Rect(0, 0, side, side))
			for at := range picture.Pix {
				picture.Pix[at] = uint8(13*i + number)
			}
			file, err := os.Create(filepath.Join(folder, fmt.Sprintf("%d.png", number)))
			must(t, err)
			must(t, png.Encode(file, picture))
			must(t, file.Close())
		}
	}
	s := setup(t, dir, model, saved{})
	s.Data, s.Validation = openData(t, root, 0), nil
	forbidden, err := dataset.ReadForbidden(strings.NewReader("pictures/kind0 pictures/kind1"))
	must(t, err)
	s.Sampler, err = sample.NewLevels(s.Data, sample.LevelsConfig{Images: 12, KindThings: 2, Seed: 3, Forbidden: forbidden})
	must(t, err)
	s.KindTarget = 0.2
	return s
}

// TestLevelsReachTheModel: targets and weights by level, and what is unknown, in each
// share of a step.
func TestLevelsReachTheModel(t *testing.T) {
	s := levelsSetup(t, t.TempDir(), nil)
	s.Towers, s.Epochs = 2, 1
	unknown, kinds := 0, 0
	s.Model = &watched{fake: &fake{}, check: func(batch train.Batch) {
		sums := map[float32]float64{}
		for i := range batch.A {
			a, b := batch.A[i], batch.B[i]
			want := float32(0)
			switch {
			case batch.Labels[a] == batch.Labels[b]:
				want = 1
			case batch.Kinds[a] == batch.Kinds[b]:
				want = 0.2
				kinds++
			}
			if batch.Targets[i] != want {
				t.Fatalf("pair %d of things %d and %d has target %v, want %v", i, batch.Labels[a], batch.Labels[b], batch.Targets[i], want)
			}
			sums[want] += float64(batch.Weights[i])
		}
		// Of each of the two shares: half, and a quarter each.
		if math.Abs(sums[1]-1) > 1e-5 || sums[0.2] != 0 && math.Abs(sums[0.2]-0.5) > 1e-5 && math.Abs(sums[0.2]-0.25) > 1e-5 || math.Abs(sums[0]+sums[0.2]-1) > 1e-5 {
			t.Errorf("weights by target are %v, want half for the same, a quarter for kinds", sums)
		}
		for _, pair := range batch.Unknown {
			unknown++
			if (int(pair[0]) < batch.Shares[0]) != (int(pair[1]) < batch.Shares[0]) {
				t.Errorf("images %d and %d are unknown, of two shares", pair[0], pair[1])
			}
		}
	}}
	must(t, train.Run(t.Context(), s))
	if unknown == 0 || kinds == 0 {
		t.Errorf("%d unknown pairs and %d of one kind came by, want some of both", unknown, kinds)
	}
}

// TestDomainsHaveTheirOwnAugmentation: black for drawings alone.
func TestDomainsHaveTheirOwnAugmentation(t *testing.T) {
	s := levelsSetup(t, t.TempDir(), nil)
	plain, err := augment.New("none", augment.Config{Width: side, Height: side})
	must(t, err)
	s.Augment, s.AugmentDomains, s.Epochs = plain, map[string]augment.Augmenter{"drawings": black{plain}}, 1
	classes := s.Data.Classes()
	s.Model = &watched{fake: &fake{}, check: func(batch train.Batch) {
		for i, label := range batch.Labels {
			level := batch.Pixels[i*side*side*3]
			if classes[label].Domain == "drawings" != (level == 7) {
				t.Errorf("an image of %s has level %d, want 7 for drawings alone", classes[label].Name, level)
			}
		}
	}}
	must(t, train.Run(t.Context(), s))
}

// black makes pictures of level 7, which no class has.
type black struct{ augment.Augmenter }

func (b black) Apply(_ *rand.Rand, p *imaging.Picture) *imaging.Picture {
	out := p.Resize(side, side, imaging.Bilinear)
	for i := range out.Pix {
		out.Pix[i] = 7
	}
	return out
}

// spread is a network whose embeddings are a picture's first level in the first value
// and what the test adds by chance: much in the second value, little in the third.
type spread struct {
	*fake
	random *rand.Rand
}

func (s spread) Encode(_ context.Context, pixels []byte) ([]float32, error) {
	var embeddings []float32
	for at := 0; at < len(pixels); at += side * side * 3 {
		embeddings = append(embeddings, float32(pixels[at]), float32(s.random.NormFloat64()*50), float32(s.random.NormFloat64()*0.1))
	}
	return embeddings, nil
}

// TestWhiten: what varies within a thing counts for less afterwards, all directions are
// kept apart (the kernel is a whitening times a rotation), and a narrower projection
// keeps what tells things apart.
func TestWhiten(t *testing.T) {
	s := levelsSetup(t, t.TempDir(), nil)
	plain, err := augment.New("none", augment.Config{Width: side, Height: side})
	must(t, err)
	model := spread{&fake{}, rand.New(rand.NewPCG(1, 1))}
	config := train.HeadConfig{Copies: 6, Steps: 1, Pairs: 2, Rate: 1, Seed: 1}
	gain := func(kernel []float32, width, row int) float64 {
		sum := 0.0
		for j := range width {
			sum += math.Pow(float64(kernel[row*width+j]), 2)
		}
		return math.Sqrt(sum)
	}
	for _, width := range []int{3, 1} {
		kernel, err := train.Whiten(t.Context(), model, s.Data, plain, config, width)
		must(t, err)
		if len(kernel) != 3*width {
			t.Fatalf("kernel of %d values, want %d", len(kernel), 3*width)
		}
		// The noise has a deviation of 50, the levels differ by 24 between things.
		if level, noise := gain(kernel, width, 0), gain(kernel, width, 1); level < 1.3*noise {
			t.Errorf("width %d: a level counts %v times, noise %v times, want less for the noise", width, level, noise)
		}
	}
	// Of 18 things 6 are taken, one of each kind.
	config.Things = 6
	named := map[string]bool{}
	watch := seen{model, func(level byte) { named[s.Data.Classes()[classOf(s.Data, level)].Alphabet] = true }}
	_, err = train.Whiten(t.Context(), watch, s.Data, plain, config, 2)
	must(t, err)
	if len(named) != 6 {
		t.Errorf("6 of 18 things are of %d kinds, want one of each of the 6", len(named))
	}
	config.Things = 5
	if _, err := train.Whiten(t.Context(), model, s.Data, plain, config, 4); err == nil || !strings.Contains(err.Error(), "a projection to 4 values, expected 1 to 3") {
		t.Errorf("a projection wider than the embedding: %v, want an error", err)
	}
	if _, err := train.Whiten(t.Context(), &fake{}, s.Data, black{plain}, config, 1); !errors.Is(err, train.ErrNoScatter) {
		t.Errorf("embeddings that are all alike: %v, want %v", err, train.ErrNoScatter)
	}
}

// TestStandardize: a head is told one over the deviation of each number within a class,
// 1 on average, and the distance by these. Within a class the first number differs by 1,
// others by noise: much in the second, little in the third, which the ridge keeps from
// counting the most by far.
func TestStandardize(t *testing.T) {
	s := levelsSetup(t, t.TempDir(), nil)
	plain, err := augment.New("none", augment.Config{Width: side, Height: side})
	must(t, err)
	var got train.HeadStatistics
	stop := errors.New("seen")
	config := train.HeadConfig{Copies: 6, Steps: 1, Pairs: 2, Rate: 1, Seed: 1, Standardize: true, Begin: func(found train.HeadStatistics) (*weights.Set, error) {
		got = found
		return nil, stop
	}}
	model := spread{&fake{}, rand.New(rand.NewPCG(1, 1))}
	if err := train.Head(t.Context(), model, s.Data, plain, config, s.Log); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	// Variances of 0.25, 2500 and 0.01 with a tenth of their mean, 83, added to each.
	noisy := math.Sqrt(83.4 / 2583)
	mean := (2 + noisy) / 3
	for i, want := range []float64{1 / mean, noisy / mean, 1 / mean} {
		if math.Abs(float64(got.Scales[i])-want) > 0.02*want {
			t.Errorf("scale %d = %v, want about %v", i, got.Scales[i], want)
		}
	}
	// Levels differ by 1 to 221, and the noise by 56 on average.
	if got.Distance < 50 || got.Distance > 250 {
		t.Errorf("distance %v, want that of levels and of noise that counts for a sixth", got.Distance)
	}
	if err := train.Head(t.Context(), &fake{}, s.Data, black{plain}, config, s.Log); !errors.Is(err, train.ErrNoScatter) {
		t.Errorf("embeddings that are all alike: %v, want %v", err, train.ErrNoScatter)
	}
}

// seen tells the first level of each picture that is encoded.
type seen struct {
	spread
	tell func(level byte)
}

func (s seen) Encode(ctx context.Context, pixels []byte) ([]float32, error) {
	for at := 0; at < len(pixels); at += side * side * 3 {
		s.tell(pixels[at])
	}
	return s.spread.Encode(ctx, pixels)
}

// classOf is the class that has a picture of a level.
func classOf(d *dataset.Dataset, level byte) int {
	for number, class := range d.Classes() {
		for _, image := range class.Images {
			if p, err := d.Picture(image); err == nil && p.Pix[0] == level {
				return number
			}
		}
	}
	return -1
}
