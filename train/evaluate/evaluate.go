// Package evaluate measures what a network is worth on classes that it has not
// seen: by one-shot runs ("which of these 20 is it?") and by verification
// ("are these two the same?"), and calibrates its similarities.
//
// Every distinct image is encoded once. A tie counts as wrong: a network that
// answers the same to everything must not score by the order of the answers.
package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"

	"siamese/imaging"
)

// Model is what an evaluation needs of a network. It is called by one goroutine.
type Model interface {
	// Encode turns pictures, uint8 RGB [N,H,W,3], into embeddings, float32 [N,E].
	Encode(ctx context.Context, pixels []byte) ([]float32, error)
	// Compare turns pairs of embeddings, float32 [N,E] each, into N similarities, 0..1.
	Compare(ctx context.Context, a, b []float32) ([]float32, error)
}

const (
	maxBatchImages = 32  // one Encode; beyond this a run gains no speed and takes memory
	maxBatchPairs  = 256 // one Compare: 2·4.7 MB of embeddings at 4608 floats each
)

// What a caller may want to tell apart.
var (
	// ErrNoRuns: nothing in the folder, the archive or the dataset makes a run.
	ErrNoRuns = errors.New("no one-shot runs")
	// ErrNoPairs: no two images of one class, or no two classes to tell apart.
	ErrNoPairs = errors.New("no pairs")
	// ErrModelOutput: the network returned what it never should, such as NaN.
	ErrModelOutput = errors.New("unexpected output of the network")
)

// embeddings holds one embedding an image.
type embeddings struct {
	length int       // floats of one embedding
	values []float32 // [N,length]
}

func (e embeddings) row(i int) []float32 {
	return e.values[i*e.length : (i+1)*e.length]
}

// encode asks for each of count pictures once, in order, and encodes them in
// batches; at most a batch of pictures is held at a time.
func encode(ctx context.Context, model Model, count int, picture func(int) (*imaging.Picture, error)) (embeddings, error) {
	var all embeddings
	var pixels []byte
	for begin := 0; begin < count; begin += maxBatchImages {
		end := min(begin+maxBatchImages, count)
		pixels = pixels[:0]
		for i := begin; i < end; i++ {
			p, err := picture(i)
			if err != nil {
				return embeddings{}, err
			}
			pixels = append(pixels, p.Pix...)
		}
		batch, err := model.Encode(ctx, pixels)
		if err != nil {
			return embeddings{}, err
		}
		if begin == 0 {
			all.length = len(batch) / (end - begin)
			all.values = make([]float32, 0, count*all.length)
		}
		if all.length == 0 || len(batch) != (end-begin)*all.length {
			return embeddings{}, fmt.Errorf("%w: %d floats for %d images, expected %d for each",
				ErrModelOutput, len(batch), end-begin, all.length)
		}
		all.values = append(all.values, batch...)
	}
	return all, nil
}

// indices is a pair of images by their number.
type indices struct{ a, b int }

// compare returns the similarity of each pair.
func compare(ctx context.Context, model Model, images embeddings, pairs []indices) ([]float64, error) {
	similarities := make([]float64, 0, len(pairs))
	var a, b []float32
	for begin := 0; begin < len(pairs); begin += maxBatchPairs {
		part := pairs[begin:min(begin+maxBatchPairs, len(pairs))]
		a, b = a[:0], b[:0]
		for _, pair := range part {
			a, b = append(a, images.row(pair.a)...), append(b, images.row(pair.b)...)
		}
		batch, err := model.Compare(ctx, a, b)
		if err != nil {
			return nil, err
		}
		if len(batch) != len(part) {
			return nil, fmt.Errorf("%w: %d similarities, expected %d", ErrModelOutput, len(batch), len(part))
		}
		for _, similarity := range batch {
			if !(similarity >= 0 && similarity <= 1) { // NaN is neither
				return nil, fmt.Errorf("%w: a similarity of %v, expected 0 to 1", ErrModelOutput, similarity)
			}
			similarities = append(similarities, float64(similarity))
		}
	}
	return similarities, nil
}

// cosine of the angle between two embeddings, -1..1; 0 where one is all zeros.
func cosine(a, b []float32) float64 {
	var product, normA, normB float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		product += x * y
		normA += x * x
		normB += y * y
	}
	if normA == 0 || normB == 0 {
		return 0
	}
	return product / math.Sqrt(normA*normB)
}
