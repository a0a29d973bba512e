package tfmodel

import (
	"fmt"
	"math"

	"siamese/weights"
)

// The untrained distance head gives distanceBias as the logit of two equal
// embeddings and falls by distanceGain over the distance that is usual between
// different classes.
const (
	distanceBias = 5
	distanceGain = 8
)

// DistanceHead gives a set whose head is a measure of distance: the logit falls
// with the sum of |a-b|. Unit j of dense_1 sums what the embedding's channels c
// with c mod Hidden = j differ by; all other entries of its kernel are 0.
// distance is the usual sum of |a-b| between two classes, above 0.
//
// A head that begins so is right where the embeddings are; one that begins by
// chance learns the training classes by heart first. With
// TrainerConfig.SparseHead it stays a weighted distance.
func DistanceHead(architecture Architecture, set *weights.Set, distance float64) (*weights.Set, error) {
	if err := architecture.Check(set); err != nil {
		return nil, fmt.Errorf("distance head: %w", err)
	}
	if !(distance > 0) {
		return nil, fmt.Errorf("distance head: usual distance %v, want above 0", distance)
	}
	length, hidden := architecture.EmbeddingLength(), architecture.Hidden
	_, _, channels := architecture.FeatureMap()
	// Both layers' entries are of one size, so that one learning rate fits both.
	entry := float32(math.Sqrt(distanceGain / distance))
	first := make([]float32, length*hidden)
	for i := range length {
		first[i*hidden+i%channels%hidden] = entry
	}
	second := make([]float32, hidden)
	for j := range second {
		second[j] = -entry
	}
	head, err := weights.New(
		weights.Tensor{Name: "dense_1/kernel", Shape: []int{length, hidden}, Data: first},
		weights.Tensor{Name: "dense_1/bias", Shape: []int{hidden}, Data: make([]float32, hidden)},
		weights.Tensor{Name: "dense_2/kernel", Shape: []int{hidden, 1}, Data: second},
		weights.Tensor{Name: "dense_2/bias", Shape: []int{1}, Data: []float32{distanceBias}})
	if err != nil {
		return nil, fmt.Errorf("distance head: %w", err)
	}
	merged, _, _, err := Overlay(set, head)
	return merged, err
}

// RescaleLogit gives a set whose head's logit is scale times the given one's
// plus shift: a calibration folded into the last layer.
func RescaleLogit(set *weights.Set, scale, shift float64) (*weights.Set, error) {
	kernel, hasKernel := set.Get("dense_2/kernel")
	bias, hasBias := set.Get("dense_2/bias")
	if !hasKernel || !hasBias {
		return nil, fmt.Errorf("rescale: the weights have no dense_2")
	}
	scaled := make([]float32, len(kernel.Data))
	for i, value := range kernel.Data {
		scaled[i] = float32(scale * float64(value))
	}
	shifted := make([]float32, len(bias.Data))
	for i, value := range bias.Data {
		shifted[i] = float32(scale*float64(value) + shift)
	}
	last, err := weights.New(
		weights.Tensor{Name: kernel.Name, Shape: kernel.Shape, Data: scaled},
		weights.Tensor{Name: bias.Name, Shape: bias.Shape, Data: shifted})
	if err != nil {
		return nil, fmt.Errorf("rescale: %w", err)
	}
	merged, _, _, err := Overlay(set, last)
	return merged, err
}
