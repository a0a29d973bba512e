package tfmodel

import (
	"fmt"
	"math"
	"math/rand/v2"

	"siamese/weights"
)

// The untrained distance head gives distanceBias as the logit of two equal
// embeddings and falls by distanceGain over the distance that is usual between
// different classes.
const (
	distanceBias = 5
	distanceGain = 8
)

// DistanceConfig says what a head that is a distance begins as.
type DistanceConfig struct {
	// Distance is the usual sum of Scales·|a-b| between two classes, above 0.
	Distance float64
	// Scales, [E], are what each number's difference counts, above 0; they should be 1
	// on average. Nil: 1 each.
	Scales []float32
	// Residual is how many of the hidden units, below all, are kept from the distance:
	// they begin with small random weights and say nothing yet. 0: none.
	Residual int
	// Seed makes these weights.
	Seed uint64
}

func (c DistanceConfig) validate(architecture Architecture) error {
	if !(c.Distance > 0) {
		return fmt.Errorf("usual distance %v, want above 0", c.Distance)
	}
	if c.Scales != nil && len(c.Scales) != architecture.EmbeddingLength() {
		return fmt.Errorf("%d scales, want one for each of the %d numbers of an embedding", len(c.Scales), architecture.EmbeddingLength())
	}
	if c.Residual < 0 || c.Residual >= architecture.Hidden {
		return fmt.Errorf("%d residual units, want 0 to %d: the distance needs one of the %d", c.Residual, architecture.Hidden-1, architecture.Hidden)
	}
	return nil
}

// DistanceHead gives a set whose head is a measure of distance: the logit falls
// with the sum of |a-b|. Unit j of dense_1 sums what the embedding's channels c
// with c mod (Hidden-Residual) = j differ by; all other entries of its kernel are 0.
//
// A head that begins so is right as soon as the embeddings are; one that begins at
// random memorises the training classes first. With TrainerConfig.SparseHead it
// stays a weighted distance, with Residual units one that they may correct.
func DistanceHead(architecture Architecture, set *weights.Set, config DistanceConfig) (*weights.Set, error) {
	if err := architecture.Check(set); err != nil {
		return nil, fmt.Errorf("distance head: %w", err)
	}
	if err := config.validate(architecture); err != nil {
		return nil, fmt.Errorf("distance head: %w", err)
	}
	hidden := architecture.Hidden
	// Both layers' entries are of one size, so that one learning rate fits both.
	entry := float32(math.Sqrt(distanceGain / config.Distance))
	second := make([]float32, hidden)
	for j := range hidden - config.Residual {
		second[j] = -entry
	}
	head, err := weights.New(
		weights.Tensor{Name: "dense_1/kernel", Shape: []int{architecture.EmbeddingLength(), hidden}, Data: config.kernel(architecture, entry)},
		weights.Tensor{Name: "dense_1/bias", Shape: []int{hidden}, Data: make([]float32, hidden)},
		weights.Tensor{Name: "dense_2/kernel", Shape: []int{hidden, 1}, Data: second},
		weights.Tensor{Name: "dense_2/bias", Shape: []int{1}, Data: []float32{distanceBias}})
	if err != nil {
		return nil, fmt.Errorf("distance head: %w", err)
	}
	merged, _, _, err := Overlay(set, head)
	return merged, err
}

// kernel is that of the first layer.
func (c DistanceConfig) kernel(architecture Architecture, entry float32) []float32 {
	length, hidden := architecture.EmbeddingLength(), architecture.Hidden
	_, _, channels := architecture.FeatureMap()
	if architecture.pooling() != Flatten {
		channels = length
	}
	units := hidden - c.Residual
	random := rand.New(rand.NewPCG(c.Seed, 0))
	// Differences that are alike in size sum up to about 1 by such weights.
	spread := math.Sqrt(float64(length)) / c.Distance
	kernel := make([]float32, length*hidden)
	for i := range length {
		scale := float32(1)
		if c.Scales != nil {
			scale = c.Scales[i]
		}
		kernel[i*hidden+i%channels%units] = entry * scale
		for j := units; j < hidden; j++ {
			kernel[i*hidden+j] = float32(random.NormFloat64() * spread)
		}
	}
	return kernel
}
