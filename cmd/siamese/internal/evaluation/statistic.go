package evaluation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"

	"siamese/cmd/internal/network"
	"siamese/cmd/siamese/internal/datasets"
	"siamese/tfmodel"
	"siamese/tfmodel/familiarity"
	"siamese/train/augment"
	"siamese/train/dataset"
)

// familiarityFlags say of what a statistic of familiar pictures is made.
type familiarityFlags struct {
	Familiarity int `help:"Sets how many pictures of --data, of the part learnt from and of the part held out each, tell what is familiar to the model (docs/training.md). 0: none, and the card keeps what it has." default:"1200"`
}

// gather makes the statistic of an open model on the data: what was learnt from says
// what is known, what was held out how familiar such pictures are. Of too few pictures
// there is none, which is told.
func (f familiarityFlags) gather(ctx context.Context, model *network.Model, held datasets.HeldFlags, path string, out io.Writer) (*familiarity.Statistic, error) {
	architecture := model.Card().Architecture
	config := held.DataConfig(path, architecture.Height)
	exact, err := config.Open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer func() { _ = exact.Close() }() // only read
	config.Side += config.Side / 4       // so that crops stay sharp
	generous, err := config.Open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer func() { _ = generous.Close() }()
	known, apart, err := f.images(config, exact, generous)
	if err != nil {
		return nil, err
	}
	collect := &collector{model: model, architecture: architecture, random: rand.New(rand.NewPCG(held.Seed, 12))}
	parts := make([][]familiarity.Picture, 2)
	for i, images := range [][]imageOf{known, apart} {
		if parts[i], err = collect.pictures(ctx, images); err != nil {
			return nil, err
		}
	}
	statistic, err := familiarity.Fit(parts[0], parts[1], familiarity.Config{
		Width: architecture.Width, Height: architecture.Height, Positions: architecture.EmbeddingPositions(), Seed: held.Seed,
	})
	if errors.Is(err, familiarity.ErrTooFew) {
		_, err := fmt.Fprintf(out, "no statistic of what is familiar is made, and the card keeps what it has: %v\n", err)
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	statistic.Data = fmt.Sprintf("%s, %s", filepath.Base(path), held.DescribeData())
	_, err = fmt.Fprintf(out, "familiarity: %d pictures known and %d kept apart, with edited copies; below %g an image is foreign\n",
		len(known), len(apart), statistic.Bound)
	return statistic, err
}

// imageOf is an image of a part of the data, at the network's size and larger.
type imageOf struct {
	image, larger   dataset.Image
	exact, generous *dataset.Dataset
}

// images draws those that are known and those that are kept apart. Where nothing was
// held out, a third of them is kept apart.
func (f familiarityFlags) images(config datasets.Config, exact, generous *dataset.Dataset) (known, apart []imageOf, err error) {
	random := rand.New(rand.NewPCG(config.Seed, 11))
	learn, held, err := config.Parts(exact)
	largerLearn, largerHeld, largerErr := config.Parts(generous)
	if err = errors.Join(err, largerErr); err != nil {
		return nil, nil, err
	}
	if held == nil {
		all := drawn(random, learn, largerLearn, f.Familiarity*3/2)
		return all[:len(all)*2/3], all[len(all)*2/3:], nil
	}
	return drawn(random, learn, largerLearn, f.Familiarity), drawn(random, held, largerHeld, f.Familiarity), nil
}

// drawn draws images evenly over classes, at most count.
func drawn(random *rand.Rand, exact, generous *dataset.Dataset, count int) []imageOf {
	var all []imageOf
	larger := generous.Classes()
	for i, class := range exact.Classes() {
		for j, image := range class.Images {
			all = append(all, imageOf{image, larger[i].Images[j], exact, generous})
		}
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(count, len(all))]
}

// collector brings pictures to the network.
type collector struct {
	model        *network.Model
	architecture tfmodel.Architecture
	random       *rand.Rand
}

// encodeAtOnce is how many pictures one call of the encoder has.
const encodeAtOnce = 32

// pictures encodes the images and gives each an edited copy beside it.
func (c *collector) pictures(ctx context.Context, images []imageOf) ([]familiarity.Picture, error) {
	if len(images) == 0 {
		return nil, errors.New("familiarity: there is no picture in a part of the data")
	}
	augmenters, err := c.augmenters(images[0].exact.Layout())
	if err != nil {
		return nil, err
	}
	var pictures []familiarity.Picture
	for begin := 0; begin < len(images); begin += encodeAtOnce {
		some := images[begin:min(begin+encodeAtOnce, len(images))]
		var pixels []byte
		for _, each := range some {
			picture, err := each.exact.Picture(each.image)
			if err != nil {
				return nil, err
			}
			pixels = append(pixels, picture.Pix...)
		}
		embeddings, err := c.model.Encode(ctx, pixels)
		if err != nil {
			return nil, err
		}
		length, size := c.architecture.EmbeddingLength(), c.architecture.ImageBytes()
		for i, each := range some {
			larger, err := each.generous.Picture(each.larger)
			if err != nil {
				return nil, err
			}
			edited := augmenters[c.random.IntN(len(augmenters))].Apply(c.random, larger)
			exact := pixels[i*size : (i+1)*size]
			pictures = append(pictures,
				familiarity.Picture{Pixels: exact, Embedding: embeddings[i*length : (i+1)*length]},
				familiarity.Picture{Pixels: edited.Pix})
			if each.exact.Layout() != dataset.Omniglot {
				pictures = append(pictures, familiarity.Picture{
					Pixels: sharpened(exact, c.architecture.Width, c.architecture.Height, 0.4+2.6*c.random.Float64()),
				})
			}
		}
	}
	return pictures, nil
}

// sharpened is a picture, uint8 [height,width,3], with its details raised by a share: as
// a photograph of many more pixels comes out that is shrunk to the network's size, where
// the data were shrunk before.
func sharpened(pixels []byte, width, height int, share float64) []byte {
	at := func(x, y, c int) float64 {
		return float64(pixels[3*(min(max(y, 0), height-1)*width+min(max(x, 0), width-1))+c])
	}
	sharp := make([]byte, 0, len(pixels))
	for y := range height {
		for x := range width {
			for c := range 3 {
				v := at(x, y, c)
				blurred := v / 4
				for _, d := range [4][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
					blurred += at(x+d[0], y+d[1], c) / 8
				}
				for _, d := range [4][2]int{{1, 1}, {1, -1}, {-1, 1}, {-1, -1}} {
					blurred += at(x+d[0], y+d[1], c) / 16
				}
				sharp = append(sharp, byte(min(max(v+share*(v-blurred), 0), 255)))
			}
		}
	}
	return sharp
}

// augmenters make the edited copies: of drawings other drawings and slight edits, of
// other pictures what people do who pass pictures on.
func (c *collector) augmenters(layout dataset.Layout) ([]augment.Augmenter, error) {
	config := augment.Config{Width: c.architecture.Width, Height: c.architecture.Height}
	names := []string{"edits"}
	if layout == dataset.Omniglot {
		names = []string{"affine", "edits"}
		config.Affine = augment.DefaultAffine()
		config.Edits = augment.EditsConfig{Strength: 0.2, LeastArea: 0.7, LeastQuality: 30}
	}
	var augmenters []augment.Augmenter
	for _, name := range names {
		augmenter, err := augment.New(name, config)
		if err != nil {
			return nil, err
		}
		augmenters = append(augmenters, augmenter)
	}
	return augmenters, nil
}
