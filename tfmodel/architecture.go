package tfmodel

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"siamese/weights"
)

// DefaultSide is the default height and width of the network's input, in pixels:
// the size of Omniglot's drawings.
const DefaultSide = 105

// Architecture gives the network's sizes. The zero value is not valid; VGG16 is
// the usual one.
type Architecture struct {
	// Height and Width of the input in pixels, at least such that the last
	// feature map is 1×1 (32 for five blocks), and at most 4096.
	Height int `json:"height"`
	Width  int `json:"width"`
	// Blocks holds the output channels of each convolution, block by block.
	Blocks [][]int `json:"blocks"`
	// Hidden is the width of the head's first layer.
	Hidden int `json:"hidden"`
}

// VGG16 is the network of Siamese-keras for an input of that size: 17,075,009
// parameters at 105×105.
func VGG16(height, width int) Architecture {
	return Architecture{
		Height: height,
		Width:  width,
		Blocks: [][]int{{64, 64}, {128, 128}, {256, 256, 256}, {512, 512, 512}, {512, 512, 512}},
		Hidden: 512,
	}
}

// Variable is a trained array of the network: Name is "<layer>/kernel" or
// "<layer>/bias" by Keras' layer names, Shape is Keras' ([3,3,in,out] for a
// convolution, [in,out] for a dense layer).
type Variable struct {
	Name  string
	Shape []int
}

// Size is the number of values.
func (v Variable) Size() int {
	size := 1
	for _, dim := range v.Shape {
		size *= dim
	}
	return size
}

// Bounds of an architecture, which a card of others may give: no number made of it
// overflows, and no memory is taken that a network of this kind does not need.
const (
	maxSide         = 4096
	maxBlocks       = 12 // each halves the sides
	maxConvolutions = 100
	maxWidth        = 1 << 16
	// maxParameters are 4 GiB of float32, what a weight file may have.
	maxParameters = maxModelFileBytes / 4
)

// Validate returns an error that names the first size out of range, nil if there
// is none.
func (a Architecture) Validate() error {
	if err := a.validateBlocks(); err != nil {
		return fmt.Errorf("architecture: %w", err)
	}
	if a.Hidden < 1 || a.Hidden > maxWidth {
		return fmt.Errorf("architecture: hidden width %d, want 1 to %d", a.Hidden, maxWidth)
	}
	if a.Height > maxSide || a.Width > maxSide {
		return fmt.Errorf("architecture: input of %d×%d, want at most %d×%d", a.Height, a.Width, maxSide, maxSide)
	}
	if height, width, _ := a.FeatureMap(); height < 1 || width < 1 {
		least := 1 << len(a.Blocks)
		return fmt.Errorf("architecture: input of %d×%d is too small for %d blocks, want at least %d×%d",
			a.Height, a.Width, len(a.Blocks), least, least)
	}
	if count := a.Parameters(); count > maxParameters {
		return fmt.Errorf("architecture: %d parameters, want at most %d", count, maxParameters)
	}
	return nil
}

// validateBlocks is Validate for the convolutions.
func (a Architecture) validateBlocks() error {
	if len(a.Blocks) == 0 {
		return errors.New("no blocks, want at least one")
	}
	if len(a.Blocks) > maxBlocks {
		return fmt.Errorf("%d blocks, want at most %d", len(a.Blocks), maxBlocks)
	}
	convolutions := 0
	for number, block := range a.Blocks {
		if convolutions += len(block); convolutions > maxConvolutions {
			return fmt.Errorf("more than %d convolutions in %d blocks", maxConvolutions, number+1)
		}
		if len(block) == 0 || slices.Min(block) < 1 || slices.Max(block) > maxWidth {
			return fmt.Errorf("block %d has channels %v, want at least one convolution of 1 to %d channels", number+1, block, maxWidth)
		}
	}
	return nil
}

// FeatureMap is the size of the encoder's output before it is flattened. Each
// block halves height and width, rounded down.
func (a Architecture) FeatureMap() (height, width, channels int) {
	height, width = a.Height, a.Width
	for range a.Blocks {
		height, width = height/2, width/2
	}
	last := a.Blocks[len(a.Blocks)-1]
	return height, width, last[len(last)-1]
}

// EmbeddingLength is the number of values of an embedding: 4608 for VGG16 at
// 105×105.
func (a Architecture) EmbeddingLength() int {
	height, width, channels := a.FeatureMap()
	return height * width * channels
}

// ImageBytes is the size of one prepared image: height × width × 3.
func (a Architecture) ImageBytes() int {
	return a.Height * a.Width * 3
}

// EncodeFLOP is how many floating-point operations the convolutions of one image
// take, a multiplication with its addition counted as two: 6.5e9 for VGG16 at
// 105×105.
func (a Architecture) EncodeFLOP() float64 {
	total := 0.0
	height, width, channels := a.Height, a.Width, 3
	for _, block := range a.Blocks {
		for _, outputs := range block {
			total += 2 * 3 * 3 * float64(height*width*channels*outputs)
			channels = outputs
		}
		height, width = height/2, width/2
	}
	return total
}

// Variables lists the network's variables, in the order of its layers.
func (a Architecture) Variables() []Variable {
	var variables []Variable
	add := func(layer string, kernel ...int) {
		variables = append(variables,
			Variable{Name: layer + "/kernel", Shape: kernel},
			Variable{Name: layer + "/bias", Shape: kernel[len(kernel)-1:]})
	}
	channels := 3
	for number, block := range a.Blocks {
		for convolution, width := range block {
			add(convolutionName(number, convolution), 3, 3, channels, width)
			channels = width
		}
	}
	add("dense_1", a.EmbeddingLength(), a.Hidden)
	add("dense_2", a.Hidden, 1)
	return variables
}

// Parameters counts the trained values.
func (a Architecture) Parameters() int {
	total := 0
	for _, variable := range a.Variables() {
		total += variable.Size()
	}
	return total
}

// embeddingMax is what no value of an embedding exceeds, for any picture: each
// convolution's outputs are at most its positive weights times what their inputs are at
// most, from pixels of 0 to 1. For the built-in models that is 10¹⁵, where pictures give
// up to 500. read gives a variable's values; it is called in the order of Variables.
//
// It is an error where values within the encoder may exceed float32: ReLU would hide what
// comes of that. The bound is less where the head could not compute with such values: at most half the
// largest float32 after both layers.
func (a Architecture) embeddingMax(read func(Variable) ([]float32, error)) (float64, error) {
	variables := a.Variables()
	head := len(variables) - 4 // kernel and bias of two layers
	bounds, gain := []float64{1, 1, 1}, 1.0
	for i := 0; i < len(variables); i += 2 {
		kernel, err := read(variables[i])
		if err != nil {
			return 0, err
		}
		bias, err := read(variables[i+1])
		if err != nil {
			return 0, err
		}
		if i < head {
			bounds = convolutionBounds(bounds, kernel, bias)
			if most := slices.Max(bounds); !(most <= math.MaxFloat32) {
				return 0, fmt.Errorf("%q has weights by which values may come to %.3g, want at most %.3g, the largest float32", variables[i].Name, most, math.MaxFloat32)
			}
		} else {
			gain *= max(1, denseGain(kernel, len(bias)))
		}
	}
	const rounding = 2 // more than 13 layers in bfloat16 are off by
	return min(rounding*slices.Max(bounds), math.MaxFloat32/2/gain), nil
}

// convolutionBounds are what the outputs of a convolution with ReLU are at most, by
// channel, where its inputs are 0 to inputs. The kernel is [3,3,in,out].
func convolutionBounds(inputs []float64, kernel, bias []float32) []float64 {
	outputs := make([]float64, len(bias))
	for i, value := range bias {
		outputs[i] = float64(value)
	}
	for i, weight := range kernel {
		if weight > 0 {
			outputs[i%len(outputs)] += float64(weight) * inputs[i/len(outputs)%len(inputs)]
		}
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
	for i, weight := range kernel {
		gains[i%outputs] += math.Abs(float64(weight))
	}
	return slices.Max(gains)
}

// convolutionName is Keras' name for a convolution; both numbers start at 0.
func convolutionName(block, convolution int) string {
	return fmt.Sprintf("block%d_conv%d", block+1, convolution+1)
}

// InferArchitecture reads the widths off a weight file. Such a file does
// not hold the input size: height and width give it, and must fit dense_1.
func InferArchitecture(set *weights.Set, height, width int) (Architecture, error) {
	architecture := Architecture{Height: height, Width: width}
	for block := 0; ; block++ {
		var channels []int
		for convolution := 0; ; convolution++ {
			bias, ok := set.Get(convolutionName(block, convolution) + "/bias")
			if !ok {
				break
			}
			channels = append(channels, len(bias.Data))
		}
		if channels == nil {
			break
		}
		architecture.Blocks = append(architecture.Blocks, channels)
	}
	hidden, ok := set.Get("dense_1/bias")
	if !ok {
		return Architecture{}, fmt.Errorf("weights hold no %q: they are of an encoder alone, want the whole network", "dense_1/bias")
	}
	architecture.Hidden = len(hidden.Data)
	if err := architecture.Validate(); err != nil {
		return Architecture{}, fmt.Errorf("weights: %w", err)
	}
	if err := architecture.Check(set); err != nil {
		return Architecture{}, err
	}
	return architecture, nil
}

// Check returns an error unless a set has exactly the variables of the network.
func (a Architecture) Check(set *weights.Set) error {
	known := make(map[string]bool)
	for _, variable := range a.Variables() {
		known[variable.Name] = true
		tensor, ok := set.Get(variable.Name)
		if !ok {
			return fmt.Errorf("weights lack %q of shape %v", variable.Name, variable.Shape)
		}
		if !slices.Equal(tensor.Shape, variable.Shape) {
			return fmt.Errorf("weights: %q has shape %v, want %v for an input of %d×%d",
				variable.Name, tensor.Shape, variable.Shape, a.Height, a.Width)
		}
	}
	for _, name := range set.Names() {
		if !known[name] {
			return fmt.Errorf("weights hold %q, which the network does not have", name)
		}
	}
	return nil
}
