package tfmodel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"siamese/weights"
)

// headGain makes the untrained head's logits small, so that training begins near
// "don't know" at any scale of the embeddings.
const headGain = 0.25

// Initial makes weights to begin training with: the convolutions' kernels are
// uniform with He's variance, 2/fan_in (He et al. 2015), the head's are uniform
// within headGain times that range, biases are 0. Keras' default, Glorot's range,
// starts this network dead: each layer would shrink its input by half.
func Initial(architecture Architecture, seed uint64) (*weights.Set, error) {
	random := rand.New(rand.NewPCG(seed, 0))
	var tensors []weights.Tensor
	for _, variable := range architecture.Variables() {
		values := make([]float32, variable.Size())
		if strings.HasSuffix(variable.Name, "/kernel") {
			fanIn := variable.Size() / variable.Shape[len(variable.Shape)-1]
			limit := math.Sqrt(6 / float64(fanIn))
			if strings.HasPrefix(variable.Name, "dense_") {
				limit *= headGain
			}
			for i := range values {
				values[i] = float32((random.Float64()*2 - 1) * limit)
			}
		}
		tensors = append(tensors, weights.Tensor{Name: variable.Name, Shape: variable.Shape, Data: values})
	}
	return weights.New(tensors...)
}

// Overlay replaces tensors of a set by those of the same name and shape in
// another, as Keras loads a file by name. It returns the names that it took and
// those that it passed over for their shape. Both sets stay as they are.
func Overlay(set, over *weights.Set) (merged *weights.Set, taken, passed []string, err error) {
	var tensors []weights.Tensor
	for tensor := range set.All() {
		if found, ok := over.Get(tensor.Name); ok && slices.Equal(found.Shape, tensor.Shape) {
			tensor = found
			taken = append(taken, tensor.Name)
		} else if ok {
			passed = append(passed, tensor.Name)
		}
		tensors = append(tensors, tensor)
	}
	merged, err = weights.New(tensors...)
	return merged, taken, passed, err
}

// InputScaling is what a first convolution was made for: it takes channel c of
// the network's input, RGB in 0..1, as Scale[c]·(x-Shift[c]); with BGR its kernel
// has the channels the other way round.
type InputScaling struct {
	Scale, Shift [3]float64 // by R, G, B
	BGR          bool
}

// ImageNetScaling is what VGG16's published weights take: BGR, 0..255, less the
// training set's mean colour.
func ImageNetScaling() InputScaling {
	return InputScaling{
		Scale: [3]float64{255, 255, 255},
		Shift: [3]float64{123.68 / 255, 116.779 / 255, 103.939 / 255},
		BGR:   true,
	}
}

// FoldInput gives a set whose first convolution takes RGB in 0..1 as it is and
// answers as the given one does on scaled input, but for the outermost pixels,
// where the padding counts as 0 before the scaling and not after.
func FoldInput(set *weights.Set, scaling InputScaling) (*weights.Set, error) {
	kernelName, biasName := convolutionName(0, 0)+"/kernel", convolutionName(0, 0)+"/bias"
	kernel, ok := set.Get(kernelName)
	if !ok || len(kernel.Shape) != 4 || kernel.Shape[2] != 3 {
		return nil, fmt.Errorf("fold input: the weights have no %s for 3 channels", kernelName)
	}
	bias, ok := set.Get(biasName)
	if !ok || len(bias.Data) != kernel.Shape[3] {
		return nil, fmt.Errorf("fold input: the weights have no %s of %d values", biasName, kernel.Shape[3])
	}
	outputs := kernel.Shape[3]
	folded := make([]float32, len(kernel.Data))
	shifted := make([]float64, outputs)
	for i, value := range bias.Data {
		shifted[i] = float64(value)
	}
	for i, value := range kernel.Data {
		output, channel, tap := i%outputs, i/outputs%3, i/outputs/3
		if scaling.BGR {
			channel = 2 - channel // of the input, R first
		}
		scaled := float64(value) * scaling.Scale[channel]
		folded[(tap*3+channel)*outputs+output] = float32(scaled)
		shifted[output] -= scaled * scaling.Shift[channel]
	}
	biases := make([]float32, outputs)
	for i, value := range shifted {
		biases[i] = float32(value)
	}
	first, err := weights.New(
		weights.Tensor{Name: kernelName, Shape: kernel.Shape, Data: folded},
		weights.Tensor{Name: biasName, Shape: []int{outputs}, Data: biases})
	if err != nil {
		return nil, fmt.Errorf("fold input: %w", err)
	}
	merged, _, _, err := Overlay(set, first)
	return merged, err
}

// Projected is the architecture of a pooled network with a projection, as wide as its
// embedding where it has none yet, and embeddings of length 1. A flattened network
// becomes one that averages.
func (a Architecture) Projected() Architecture {
	if a.pooling() == Flatten {
		a.Pooling = Average
	}
	if a.Projection == 0 {
		a.Projection = a.pooledLength()
	}
	a.Unit = true
	return a
}

// SetProjection gives a set with that kernel in the projection, row-major [in,out],
// and a bias of 0.
func SetProjection(architecture Architecture, set *weights.Set, kernel []float32) (*weights.Set, error) {
	in, out := architecture.pooledLength(), architecture.Projection
	projection, err := weights.New(
		weights.Tensor{Name: projectionLayer + "/kernel", Shape: []int{in, out}, Data: kernel},
		weights.Tensor{Name: projectionLayer + "/bias", Shape: []int{out}, Data: make([]float32, out)})
	if err != nil {
		return nil, fmt.Errorf("projection: %w", err)
	}
	merged, _, _, err := Overlay(set, projection)
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
