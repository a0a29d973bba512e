package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"siamese/train/dataset"
	"siamese/train/sample"
)

// hardNeighbors is how many of the things that look like it a thing is told.
const hardNeighbors = 8

// hardStream sets the draws of things apart from other draws of the same seed.
const hardStream = 0x68617264 // "hard"

// findHard tells the sampler which things look alike to the network as it is now, at
// the beginning of every Hard-th epoch. What the feeder has made ahead is thrown away:
// batches after it are of the new knowledge, in a resumed run as in any other.
func (r *run) findHard(ctx context.Context) error {
	miner, ok := r.Sampler.(sample.Miner)
	if !ok || r.Hard == 0 || r.done.Epoch%r.Hard != 0 || r.done.Step != int64(r.done.Epoch)*int64(r.StepsPerEpoch) {
		return nil
	}
	r.feeder.close()
	if err := r.Sampler.Restore(r.sampler); err != nil {
		return err
	}
	near, err := r.neighbors(ctx)
	if err != nil {
		return fmt.Errorf("hard negatives: %w", err)
	}
	miner.SetNeighbors(near)
	if r.sampler, err = r.Sampler.State(); err != nil {
		return err
	}
	r.Log.Info("hard negatives", "epoch", r.done.Epoch+1, "things", len(near))
	r.feeder = newFeeder(ctx, r.Setup, r.done.Step)
	return nil
}

// neighbors encodes a picture of each of some things and finds for each the others
// with the nearest embeddings, the nearest first.
func (r *run) neighbors(ctx context.Context) (map[int][]int, error) {
	width, height := r.Augment.Size()
	data := r.Data.Shown(width, height)
	classes := data.Classes()
	random := rand.New(rand.NewPCG(r.Seed, hardStream+uint64(r.done.Epoch)))
	drawn := random.Perm(len(classes))
	drawn = drawn[:min(len(drawn), r.HardThings)]
	var rows [][]float32
	for chunk := range slices.Chunk(drawn, headEncodeImages) {
		embeddings, err := r.encodeOne(ctx, data, classes, chunk, random)
		if err != nil {
			return nil, err
		}
		rows = append(rows, embeddings...)
	}
	near := make(map[int][]int, len(drawn))
	for i, row := range rows {
		near[drawn[i]] = nearest(row, rows, drawn, i)
	}
	return near, nil
}

// encodeOne encodes one picture of each class, by chance, and scales the embeddings to
// length 1.
func (r *run) encodeOne(ctx context.Context, data *dataset.Dataset, classes []dataset.Class, numbers []int, random *rand.Rand) ([][]float32, error) {
	var pixels []byte
	for _, number := range numbers {
		images := classes[number].Images
		picture, err := data.Picture(images[random.IntN(len(images))])
		if err != nil {
			return nil, err
		}
		pixels = append(pixels, picture.Pix...)
	}
	embeddings, err := r.Model.Encode(ctx, pixels)
	if err != nil {
		return nil, err
	}
	rows := slices.Collect(slices.Chunk(embeddings, len(embeddings)/len(numbers)))
	for _, row := range rows {
		squares := 0.0
		for _, value := range row {
			squares += float64(value) * float64(value)
		}
		for i := range row {
			row[i] /= float32(math.Sqrt(squares) + 1e-9)
		}
	}
	return rows, nil
}

// nearest lists the classes of the rows that have the largest products with one.
func nearest(row []float32, rows [][]float32, classes []int, self int) []int {
	products := make([]float32, len(rows))
	order := make([]int, 0, len(rows))
	for i, other := range rows {
		for k, value := range other {
			products[i] += value * row[k]
		}
		if i != self {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case products[a] > products[b]:
			return -1
		case products[a] < products[b]:
			return 1
		}
		return 0
	})
	order = order[:min(len(order), hardNeighbors)]
	for i, at := range order {
		order[i] = classes[at]
	}
	return order
}
