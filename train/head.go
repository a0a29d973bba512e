package train

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"

	"siamese/train/augment"
	"siamese/train/dataset"
	"siamese/train/schedule"
	"siamese/weights"
)

// HeadConfig says how a head is trained on frozen embeddings.
type HeadConfig struct {
	// Copies is how many augmented drawings of each class are encoded, at least 2.
	Copies int
	// Things bounds how many classes are encoded, which are drawn by chance, evenly over
	// alphabets or kinds. 0: all.
	Things int
	// Forbidden are the classes that must not count as different; nil: none.
	Forbidden *dataset.Forbidden
	// Steps of Pairs pairs each, half of them same.
	Steps, Pairs int
	// AlphabetShare is the share of different pairs within one alphabet, 0 to 1.
	AlphabetShare float64
	// Rate is the highest learning rate, which falls along half a cosine.
	Rate float64
	Seed uint64
	// Standardize has Begin told what differences are usual within a class.
	Standardize bool
	// Begin makes the weights to begin with, by what embeddings are like. Nil: the
	// model's own.
	Begin func(HeadStatistics) (*weights.Set, error)
}

// HeadStatistics is what a head begins by.
type HeadStatistics struct {
	// Distance is the mean sum of |a-b| over pairs of different classes; with Scales of
	// their products.
	Distance float64
	// Scales, [E], are one over the deviation of each number within classes, with mean 1.
	// Nil without HeadConfig.Standardize.
	Scales []float32
}

// Validate reports the first field that is out of range.
func (c HeadConfig) Validate() error {
	if c.Copies < 2 || c.Steps < 1 || c.Pairs < 2 || c.Things < 0 || c.Things == 1 || !(c.Rate > 0) || !(c.AlphabetShare >= 0 && c.AlphabetShare <= 1) {
		return fmt.Errorf("head: %d copies, %d steps of %d pairs, rate %v, alphabet share %v; want at least 2, 1, 2, above 0 and 0 to 1",
			c.Copies, c.Steps, c.Pairs, c.Rate, c.AlphabetShare)
	}
	return nil
}

// encodedClass is a class with its embeddings, [Copies] of float32 [E].
type encodedClass struct {
	class      dataset.Class
	alphabet   string
	embeddings [][]float32
}

// headEncodeImages is how many images are encoded at a time.
const headEncodeImages = 32

// Head trains the head alone: each class is encoded once in a few augmented
// drawings, and the steps run on embeddings, hundreds a second. The model must
// have all its blocks frozen and know no other term than the pairs'.
func Head(ctx context.Context, model Model, data *dataset.Dataset, augmenter augment.Augmenter, config HeadConfig, log *slog.Logger) error {
	if err := config.Validate(); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(config.Seed, 2))
	classes, err := encodeClasses(ctx, model, data, augmenter, config, random)
	if err != nil {
		return fmt.Errorf("head: %w", err)
	}
	log.Info("encoded", "classes", len(classes), "copies", config.Copies)
	course := schedule.Config{Kind: schedule.Smooth, Rate: config.Rate, MinRate: config.Rate / 100, Epochs: config.Steps, StepsPerEpoch: 1}
	draw := newPairDraw(classes, config, random)
	if config.Begin != nil {
		begin, err := config.begin(classes, draw)
		if err != nil {
			return fmt.Errorf("head: %w", err)
		}
		if err := model.SetWeights(begin); err != nil {
			return fmt.Errorf("head: %w", err)
		}
	}
	for step := range config.Steps {
		losses, err := model.Step(ctx, draw.batch(config.Pairs), course.At(int64(step)))
		if err != nil {
			return fmt.Errorf("head: %w", err)
		}
		if (step+1)%max(1, config.Steps/10) == 0 {
			log.Info("head", "step", step+1, "loss", rounded(losses.Loss), "accuracy", rounded(losses.Accuracy))
		}
	}
	return nil
}

// begin are the weights to begin with.
func (c HeadConfig) begin(classes []encodedClass, draw *pairDraw) (*weights.Set, error) {
	var found HeadStatistics
	var err error
	if c.Standardize {
		if found.Scales, err = standardizing(classes); err != nil {
			return nil, err
		}
	}
	found.Distance = draw.distance(found.Scales)
	return c.Begin(found)
}

// encodeClasses encodes augmented drawings of each class, taking its images in
// turn.
func encodeClasses(ctx context.Context, model Model, data *dataset.Dataset, augmenter augment.Augmenter, config HeadConfig, random *rand.Rand) ([]encodedClass, error) {
	var classes []encodedClass
	var pixels []byte
	var waiting []int // the classes of the images in pixels
	flush := func() error {
		if len(waiting) == 0 {
			return nil
		}
		embeddings, err := model.Encode(ctx, pixels)
		if err != nil {
			return err
		}
		length := len(embeddings) / len(waiting)
		for i, class := range waiting {
			classes[class].embeddings = append(classes[class].embeddings, embeddings[i*length:(i+1)*length])
		}
		pixels, waiting = nil, nil
		return nil
	}
	for number, class := range config.things(data, random) {
		classes = append(classes, encodedClass{class: class, alphabet: class.Alphabet})
		order := random.Perm(len(class.Images))
		for i := range config.Copies {
			picture, err := data.Picture(class.Images[order[i%len(order)]])
			if err != nil {
				return nil, err
			}
			pixels = append(pixels, augmenter.Apply(random, picture).Pix...)
			waiting = append(waiting, number)
			if len(waiting) == headEncodeImages {
				if err := flush(); err != nil {
					return nil, err
				}
			}
		}
	}
	return classes, flush()
}

// things are the classes that are encoded: where not all are, as many of each alphabet or
// kind as it has, in turn.
func (c HeadConfig) things(data *dataset.Dataset, random *rand.Rand) []dataset.Class {
	classes := data.Classes()
	if c.Things == 0 || c.Things >= len(classes) {
		return classes
	}
	random.Shuffle(len(classes), func(i, j int) { classes[i], classes[j] = classes[j], classes[i] })
	before := map[string]int{} // of its kind
	turn := make(map[string]int, len(classes))
	for _, class := range classes {
		turn[class.Name] = before[class.Alphabet]
		before[class.Alphabet]++
	}
	slices.SortStableFunc(classes, func(a, b dataset.Class) int { return cmp.Compare(turn[a.Name], turn[b.Name]) })
	return classes[:c.Things]
}

// pairDraw draws pairs of embeddings.
type pairDraw struct {
	ambiguity  *dataset.Ambiguity
	classes    []encodedClass
	share      float64
	random     *rand.Rand
	byAlphabet map[string][]int
}

func newPairDraw(classes []encodedClass, config HeadConfig, random *rand.Rand) *pairDraw {
	d := &pairDraw{classes: classes, share: config.AlphabetShare, random: random, byAlphabet: make(map[string][]int)}
	var named []dataset.Class
	for i, class := range classes {
		d.byAlphabet[class.alphabet] = append(d.byAlphabet[class.alphabet], i)
		named = append(named, class.class)
	}
	d.ambiguity = config.Forbidden.Of(named)
	return d
}

// batch draws pairs, half of them same.
func (d *pairDraw) batch(pairs int) Batch {
	var batch Batch
	for i := range pairs {
		first := d.random.IntN(len(d.classes))
		second := first
		if i%2 == 1 {
			second = d.other(first)
		}
		a := d.random.IntN(len(d.classes[first].embeddings))
		b := d.random.IntN(len(d.classes[second].embeddings))
		if first == second && a == b {
			b = (b + 1) % len(d.classes[second].embeddings)
		}
		batch.Embeddings = append(batch.Embeddings, d.classes[first].embeddings[a]...)
		batch.Embeddings = append(batch.Embeddings, d.classes[second].embeddings[b]...)
		batch.A, batch.B = append(batch.A, int32(2*i)), append(batch.B, int32(2*i+1))
		batch.Same = append(batch.Same, first == second)
		batch.Labels = append(batch.Labels, int32(first), int32(second))
	}
	batch.Weights = balanced(batch.Same)
	return batch
}

// distancePairs is how many pairs the usual distance is the mean of.
const distancePairs = 1000

// distance is the mean sum of |a-b|, by scales where there are any, over pairs of
// different classes.
func (d *pairDraw) distance(scales []float32) float64 {
	sum := 0.0
	for range distancePairs {
		first := d.random.IntN(len(d.classes))
		a, b := d.classes[first].embeddings[0], d.classes[d.other(first)].embeddings[0]
		for i := range a {
			difference := math.Abs(float64(a[i] - b[i]))
			if scales != nil {
				difference *= float64(scales[i])
			}
			sum += difference
		}
	}
	return sum / distancePairs
}

// otherTries bounds the draws of a class that may count as different. Where nearly all
// are forbidden the last one counts.
const otherTries = 100

// other draws a class that counts as different from the given one.
func (d *pairDraw) other(class int) int {
	other := d.drawOther(class)
	for range otherTries {
		if !d.ambiguity.Together(class, other) {
			break
		}
		other = d.drawOther(class)
	}
	return other
}

// drawOther draws a class that is not the given one, of its alphabet by chance.
func (d *pairDraw) drawOther(class int) int {
	from := d.byAlphabet[d.classes[class].alphabet]
	if len(from) > 1 && d.random.Float64() < d.share {
		for {
			if other := from[d.random.IntN(len(from))]; other != class {
				return other
			}
		}
	}
	other := d.random.IntN(len(d.classes) - 1)
	if other >= class {
		other++
	}
	return other
}
