package tfmodel

import (
	"fmt"
	"math"
	"slices"
)

// embeddingMax is what no value of an embedding exceeds, for any picture; where
// belowZero, none is below minus that, else none is below 0. Each convolution's outputs
// are at most its positive weights times what their inputs are at most, from pixels of 0
// to 1; a mean is at most what it is of, a projection's outputs go as far either way as
// its weights take them, and no value of a length of 1 is above 1. For the built-in
// models, which are flattened, that is 10¹⁵, where pictures give up to 500. read gives a
// variable's values; it is called in the order of Variables.
//
// It is an error where values within the encoder may exceed float32: ReLU would hide what
// comes of that. The bound is less where the head could not compute with such values: at
// most half the largest float32 after both layers.
func (a Architecture) embeddingMax(read func(Variable) ([]float32, error)) (float64, error) {
	variables := a.Variables()
	bounds, gain := []float64{1, 1, 1}, 1.0
	if a.belowZero() {
		gain = 2 // of the difference of two values of either sign
	}
	for i := 0; i < len(variables); i += 2 {
		kernel, err := read(variables[i])
		if err != nil {
			return 0, err
		}
		bias, err := read(variables[i+1])
		if err != nil {
			return 0, err
		}
		if i >= len(variables)-4 { // the head: kernel and bias of two layers
			gain *= max(1, denseGain(kernel, len(bias)))
			continue
		}
		if len(variables[i].Shape) == 2 {
			bounds = projectionBounds(a.meanBounds(bounds), kernel, bias)
		} else {
			bounds = convolutionBounds(bounds, kernel, bias)
		}
		if most := slices.Max(bounds); !(most <= math.MaxFloat32) {
			return 0, fmt.Errorf("%q has weights by which values may come to %.3g, want at most %.3g, the largest float32", variables[i].Name, most, math.MaxFloat32)
		}
	}
	most := slices.Max(bounds)
	switch {
	case a.Unit:
		most = 1
	case a.Projection == 0:
		most = slices.Max(a.meanBounds(bounds))
	}
	const rounding = 2 // more than 13 layers in bfloat16 are off by
	return min(rounding*most, math.MaxFloat32/2/gain), nil
}

// meanBounds are what the channels' means are at most, where the map's values are 0 to
// bounds.
func (a Architecture) meanBounds(bounds []float64) []float64 {
	if a.pooling() != GeM {
		return bounds
	}
	means := make([]float64, len(bounds))
	for i, bound := range bounds {
		means[i] = min(max(bound, epsilonGeM), float64(a.gemCeiling()))
	}
	return means
}

// convolutionBounds are what the outputs of a convolution with ReLU are at most, by
// channel, where its inputs are 0 to inputs. The kernel is [3,3,in,out].
func convolutionBounds(inputs []float64, kernel, bias []float32) []float64 {
	outputs := make([]float64, len(bias))
	for i, value := range bias {
		outputs[i] = float64(value)
	}
	row := 0
	for weights := range slices.Chunk(kernel, len(outputs)) {
		input := inputs[row%len(inputs)]
		for i, weight := range weights {
			outputs[i] += float64(max(weight, 0)) * input // no branch, which would be guessed wrong half the time
		}
		row++
	}
	for i := range outputs {
		outputs[i] = max(outputs[i], 0)
	}
	return outputs
}

// denseGain is how many times the largest input an output of a dense layer is at most,
// bias aside. The kernel is [in,out].
func denseGain(kernel []float32, outputs int) float64 {
	gains := make([]float64, outputs)
	for weights := range slices.Chunk(kernel, outputs) {
		for i, weight := range weights {
			gains[i] += math.Abs(float64(weight))
		}
	}
	return slices.Max(gains)
}

// projectionBounds are how far from 0 the outputs of a dense layer without an activation
// are at most, where its inputs are 0 to inputs. The kernel is [in,out].
func projectionBounds(inputs []float64, kernel, bias []float32) []float64 {
	least, most := make([]float64, len(bias)), make([]float64, len(bias))
	for i, value := range bias {
		least[i], most[i] = float64(value), float64(value)
	}
	row := 0
	for weights := range slices.Chunk(kernel, len(bias)) {
		for i, weight := range weights {
			product := float64(weight) * inputs[row]
			least[i] += min(product, 0)
			most[i] += max(product, 0)
		}
		row++
	}
	for i := range most {
		most[i] = max(-least[i], most[i])
	}
	return most
}
