package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"siamese/train/augment"
	"siamese/train/dataset"
)

// whitenRidge is added to the scatter that is whitened, in units of its mean: with less,
// directions in which the sample varied by chance alone come to count the most.
const whitenRidge = 1

// ErrNoScatter: the embeddings don't vary within a class.
var ErrNoScatter = errors.New("embeddings of a class don't differ, so that there is nothing to whiten or to standardize by")

// Whiten finds a projection [E,width], row-major, after which embeddings vary as much in
// every direction within a thing and within a kind, half each: distances then count
// what tells things apart, and not what varies anyway. It encodes Copies augmented
// images of each class, or of Things classes drawn by chance. Of the directions those
// with the most variance are kept, turned at random, so that a sum of |a-b| over
// embeddings of length 1 orders pairs as their cosine does.
//
// The model is one without a projection, whose embeddings have length E ≥ width.
func Whiten(ctx context.Context, model Model, data *dataset.Dataset, augmenter augment.Augmenter, config HeadConfig, width int) ([]float32, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(config.Seed, 3))
	classes, err := encodeClasses(ctx, model, data, augmenter, config, random)
	if err != nil {
		return nil, fmt.Errorf("whiten: %w", err)
	}
	kernel, err := whitening(classes, width, random)
	if err != nil {
		return nil, fmt.Errorf("whiten: %w", err)
	}
	return kernel, nil
}

// whitening is Whiten's arithmetic.
func whitening(classes []encodedClass, width int, random *rand.Rand) ([]float32, error) {
	length := len(classes[0].embeddings[0])
	if width < 1 || width > length {
		return nil, fmt.Errorf("a projection to %d values, expected 1 to %d", width, length)
	}
	within := scatters(classes, length)
	trace := mat.Trace(within)
	if !(trace > 0) {
		return nil, ErrNoScatter
	}
	for i := range length {
		within.SetSym(i, i, within.At(i, i)+whitenRidge*trace/float64(length))
	}
	var cholesky mat.Cholesky
	if !cholesky.Factorize(within) {
		return nil, ErrNoScatter
	}
	// With S = L·Lᵀ, x·L⁻ᵀ has the scatter of S⁻½ but for a turn.
	var lower, inverse mat.TriDense
	cholesky.LTo(&lower)
	if err := inverse.InverseTri(&lower); err != nil {
		return nil, err
	}
	var white mat.Dense
	white.CloneFrom(inverse.T())
	var kernel mat.Dense
	kernel.Mul(&white, principal(classes, &white, width))
	var turned mat.Dense
	turned.Mul(&kernel, rotation(width, random))
	values := make([]float32, 0, length*width)
	for i := range length {
		for j := range width {
			values = append(values, float32(turned.At(i, j)))
		}
	}
	return values, nil
}

// standardRidge is added to each variance within classes, in units of their mean, before
// its root divides: numbers that are nearly always 0 would count the most.
const standardRidge = 0.1

// standardizing is one over the deviation of each number of an embedding within classes,
// with mean 1.
func standardizing(classes []encodedClass) ([]float32, error) {
	variances := make([]float64, len(classes[0].embeddings[0]))
	for _, class := range classes {
		mean := meanRow(class.embeddings)
		for _, row := range class.embeddings {
			for i, value := range row {
				variances[i] += (float64(value) - mean[i]) * (float64(value) - mean[i])
			}
		}
	}
	total := floats.Sum(variances)
	if !(total > 0) {
		return nil, ErrNoScatter
	}
	for i, variance := range variances {
		variances[i] = 1 / math.Sqrt(variance+standardRidge*total/float64(len(variances)))
	}
	mean := floats.Sum(variances) / float64(len(variances))
	scales := make([]float32, len(variances))
	for i, value := range variances {
		scales[i] = float32(value / mean)
	}
	return scales, nil
}

// scatters is half the mean scatter within classes and half that of the classes' means
// within kinds; the first alone where no kind has two classes.
func scatters(classes []encodedClass, length int) *mat.SymDense {
	kinds := map[string][][]float64{}
	var things [][][]float32
	for _, class := range classes {
		things = append(things, class.embeddings)
		if class.alphabet != "" {
			kinds[class.alphabet] = append(kinds[class.alphabet], meanRow(class.embeddings))
		}
	}
	var sets [][][]float64
	for _, class := range classes {
		if means := kinds[class.alphabet]; len(means) > 1 {
			sets = append(sets, means)
			delete(kinds, class.alphabet)
		}
	}
	within := scatter(things, length)
	if len(sets) > 0 {
		within.AddSym(within, scatter(sets, length))
	}
	return within
}

// scatter is the mean covariance of the sets' rows about their own means.
func scatter[F float32 | float64](sets [][][]F, length int) *mat.SymDense {
	sum := mat.NewSymDense(length, nil)
	row := mat.NewVecDense(length, nil)
	for _, rows := range sets {
		mean := meanRow(rows)
		for _, values := range rows {
			for i, value := range values {
				row.SetVec(i, float64(value)-mean[i])
			}
			sum.SymRankOne(sum, 1/float64(len(rows)*len(sets)), row)
		}
	}
	return sum
}

func meanRow[F float32 | float64](rows [][]F) []float64 {
	mean := make([]float64, len(rows[0]))
	for _, row := range rows {
		for i, value := range row {
			mean[i] += float64(value)
		}
	}
	for i := range mean {
		mean[i] /= float64(len(rows))
	}
	return mean
}

// principal are the directions of the most variance of the whitened embeddings,
// [length,width], by columns.
func principal(classes []encodedClass, white *mat.Dense, width int) *mat.Dense {
	length, _ := white.Dims()
	var means [][]float64
	for _, class := range classes {
		means = append(means, meanRow(class.embeddings))
	}
	var half, total mat.Dense
	half.Mul(white.T(), scatter([][][]float64{means}, length))
	total.Mul(&half, white)
	symmetric := mat.NewSymDense(length, nil)
	for i := range length {
		for j := i; j < length; j++ {
			symmetric.SetSym(i, j, (total.At(i, j)+total.At(j, i))/2)
		}
	}
	var eigen mat.EigenSym
	eigen.Factorize(symmetric, true)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors) // by rising variance
	return mat.DenseCopyOf(vectors.Slice(0, length, length-width, length))
}

// rotation is a random orthogonal matrix.
func rotation(side int, random *rand.Rand) *mat.Dense {
	values := make([]float64, side*side)
	for i := range values {
		values[i] = random.NormFloat64()
	}
	var qr mat.QR
	qr.Factorize(mat.NewDense(side, side, values))
	var q mat.Dense
	qr.QTo(&q)
	return &q
}
