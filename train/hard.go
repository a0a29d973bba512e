package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"siamese/train/dataset"
	"siamese/train/sample"
)

// hardNeighbors is how many of the things that look like it a thing is told.
const hardNeighbors = 8

// hardStream sets the draws of things apart from other draws of the same seed.
const hardStream = 0x68617264 // "hard"

// findHard tells the sampler which things look alike to the network as it is now, at
// the beginning of every Hard-th epoch or before every HardSteps-th step. What the feeder
// has made ahead is thrown away: batches after it are of the new knowledge, in a resumed
// run as in any other.
func (r *run) findHard(ctx context.Context) error {
	miner, ok := r.Sampler.(sample.Miner)
	if !ok || !r.looksForHard() || !r.clock.timeToLook() {
		return nil
	}
	begin := time.Now()
	r.feeder.close()
	if err := r.Sampler.Restore(r.sampler); err != nil {
		return err
	}
	near, err := r.neighbors(ctx, miner)
	if err != nil {
		return fmt.Errorf("hard negatives: %w", err)
	}
	miner.SetNeighbors(near)
	if r.sampler, err = r.Sampler.State(); err != nil {
		return err
	}
	r.clock.look = time.Since(begin)
	r.Log.Info("hard negatives", "epoch", r.done.Epoch+1, "step", r.done.Step, "things", len(near), "took", r.clock.look.Round(time.Millisecond).String())
	r.feeder = newFeeder(ctx, r.Setup, r.done.Step)
	return nil
}

// looksForHard reports whether neighbours are looked up before the next step.
func (r *run) looksForHard() bool {
	if r.HardSteps > 0 {
		return r.done.Step%int64(r.HardSteps) == 0
	}
	begins := r.done.Step == int64(r.done.Epoch)*int64(r.StepsPerEpoch)
	return r.Hard > 0 && begins && r.done.Epoch%r.Hard == 0
}

// hardDraws is what a look-up is drawn by: the seed and when it is.
func (r *run) hardDraws() *rand.Rand {
	if r.HardSteps > 0 {
		return rand.New(rand.NewPCG(r.Seed, hardStream+uint64(r.done.Step)))
	}
	return rand.New(rand.NewPCG(r.Seed, hardStream+uint64(r.done.Epoch)))
}

// neighbors encodes a picture of each of some things and finds for each those of its set
// with the nearest embeddings, the nearest first.
func (r *run) neighbors(ctx context.Context, miner sample.Miner) (map[int][]int, error) {
	width, height := r.Augment.Size()
	data := r.Data.Shown(width, height)
	classes := data.Classes()
	random := r.hardDraws()
	sets := miner.Peers(random, r.HardThings)
	var rows [][]float32
	for chunk := range slices.Chunk(slices.Concat(sets...), headEncodeImages) {
		embeddings, err := r.encodeOne(ctx, data, classes, chunk, random)
		if err != nil {
			return nil, err
		}
		rows = append(rows, embeddings...)
	}
	near := make(map[int][]int, len(rows))
	for _, set := range sets {
		for i, class := range set {
			near[class] = nearest(rows[i], rows[:len(set)], set, i)
		}
		rows = rows[len(set):]
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
