package tfmodel

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
	// Pooling says how the last feature map becomes the embedding. Default Flatten.
	Pooling Pooling `json:"pooling,omitempty"`
	// GeMPower is the power p of GeM pooling, fixed, above 0. Default 3. Only with GeM.
	GeMPower float64 `json:"gem_power,omitempty"`
	// Projection is the width of a dense layer without an activation between the
	// pooled map and the embedding, which can hold a whitening. 0: none. Not with
	// Flatten.
	Projection int `json:"projection,omitempty"`
	// Unit scales each embedding to length 1 at the end. Not with Flatten.
	Unit bool `json:"unit,omitempty"`
}

// Pooling names a way to make an embedding of the last feature map.
type Pooling string

// The ways of pooling.
const (
	// Flatten takes the map as it is, height × width × channels, as Siamese-keras
	// does: the embedding knows where in the picture something is.
	Flatten Pooling = "flatten"
	// Average is the mean of each channel, Keras' GlobalAveragePooling2D.
	Average Pooling = "average"
	// GeM is the generalized mean of each channel, mean(xᵖ)^(1/p) (F. Radenović et al.
	// 2018): 1 is Average, and the larger the power, the nearer to the maximum.
	GeM Pooling = "gem"
)

// Poolings lists the ways. The caller owns the slice.
func Poolings() []Pooling { return []Pooling{Flatten, Average, GeM} }

// defaultGeMPower is what Radenović et al. begin with, and hardly leave.
const defaultGeMPower = 3

// pooling is Pooling with its default.
func (a Architecture) pooling() Pooling {
	if a.Pooling == "" {
		return Flatten
	}
	return a.Pooling
}

// gemPower is GeMPower with its default.
func (a Architecture) gemPower() float64 {
	if a.GeMPower == 0 {
		return defaultGeMPower
	}
	return a.GeMPower
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
	if err := a.validatePooling(); err != nil {
		return err
	}
	if count := a.Parameters(); count > maxParameters {
		return fmt.Errorf("architecture: %d parameters, want at most %d", count, maxParameters)
	}
	return nil
}

// validatePooling checks the fields between the last feature map and the embedding.
func (a Architecture) validatePooling() error {
	if !slices.Contains(Poolings(), a.pooling()) {
		return fmt.Errorf("architecture: pooling %q, want one of %q", a.Pooling, Poolings())
	}
	if !(a.GeMPower >= 0 && a.GeMPower <= maxGeMPower) || a.GeMPower != 0 && a.pooling() != GeM {
		return fmt.Errorf("architecture: gem_power %v with pooling %q, want above 0 to %d with %q, or none", a.GeMPower, a.pooling(), maxGeMPower, GeM)
	}
	if a.Projection < 0 || a.Projection > maxWidth {
		return fmt.Errorf("architecture: projection to %d values, want 0 to %d", a.Projection, maxWidth)
	}
	if a.pooling() == Flatten && (a.Projection > 0 || a.Unit) {
		return fmt.Errorf("architecture: projection %d and unit %t with pooling %q, want %q or %q", a.Projection, a.Unit, Flatten, Average, GeM)
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

// maxGeMPower bounds what is raised to it: float32 holds activations of 1,000 to
// the tenth.
const maxGeMPower = 10

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
// 105×105, and 512 at any size where it is pooled and not projected.
func (a Architecture) EmbeddingLength() int {
	if a.Projection > 0 {
		return a.Projection
	}
	return a.pooledLength()
}

// EmbeddingPositions is of how many places of the last feature map an embedding holds
// the channels, one after the other; 1 where it is pooled.
func (a Architecture) EmbeddingPositions() int {
	if a.pooling() != Flatten {
		return 1
	}
	height, width, _ := a.FeatureMap()
	return height * width
}

// pooledLength is the number of values before the projection.
func (a Architecture) pooledLength() int {
	height, width, channels := a.FeatureMap()
	if a.pooling() != Flatten {
		return channels
	}
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
	if a.Projection > 0 {
		add(projectionLayer, a.pooledLength(), a.Projection)
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

// gemCeiling is what GeM takes for any larger value, so that the sum of the powers stays
// within float32.
func (a Architecture) gemCeiling() float32 {
	const spare = 16 // more than float32's powers and sums are off by
	height, width, _ := a.FeatureMap()
	return float32(math.Pow(math.MaxFloat32/spare/float64(height*width), 1/a.gemPower()))
}

// belowZero reports whether values of embeddings may be below 0. Otherwise a ReLU ends
// the encoder, or a mean or a scaling after one.
func (a Architecture) belowZero() bool { return a.Projection > 0 }

// projectionLayer is the name of the dense layer before the embedding.
const projectionLayer = "projection"

// convolutionName is Keras' name for a convolution; both numbers start at 0.
func convolutionName(block, convolution int) string {
	return fmt.Sprintf("block%d_conv%d", block+1, convolution+1)
}

// Digest identifies the encoder that weights make in this network: embeddings of
// different digests can't be compared. For a flattened network without more it is
// the weights' own digest, since dense_1 fits one input size alone; otherwise the
// input size and the pooling are part of it. It is 64 hex digits.
func (a Architecture) Digest(set *weights.Set) string {
	if a.pooling() == Flatten {
		return set.Digest()
	}
	power := 0.0
	if a.pooling() == GeM {
		power = a.gemPower()
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d %s %v %t", set.Digest(), a.Height, a.Width, a.pooling(), power, a.Unit))
	return hex.EncodeToString(sum[:])
}

// metadataKey is the architecture's place in a safetensors file's metadata.
const metadataKey = "architecture"

// Metadata is what a safetensors file says about a network whose form can't be read
// off its weights: one that pools. Nil for others.
func (a Architecture) Metadata() (map[string]string, error) {
	if a.pooling() == Flatten {
		return nil, nil //nolint:nilnil // there is nothing to say
	}
	text, err := json.Marshal(a)
	return map[string]string{metadataKey: string(text)}, err
}

// architectureOf takes the architecture from a file's metadata, or else infers it.
func architectureOf(set *weights.Set, metadata map[string]string) (Architecture, error) {
	text, ok := metadata[metadataKey]
	if !ok {
		return InferArchitecture(set, DefaultSide, DefaultSide)
	}
	var found Architecture
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return Architecture{}, fmt.Errorf("metadata %q: %w", metadataKey, err)
	}
	if err := found.Validate(); err != nil {
		return Architecture{}, fmt.Errorf("metadata %q: %w", metadataKey, err)
	}
	return found, found.Check(set)
}

// InferArchitecture reads the widths off a weight file. Such a file does
// not hold the input size: height and width give it, and must fit dense_1. Nor does
// it say how a network pools: a flattened one is taken for granted.
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
	kernel, _ := set.Get("dense_1/kernel")
	_, projected := set.Get(projectionLayer + "/kernel")
	if _, _, channels := architecture.FeatureMap(); projected || len(kernel.Shape) == 2 && kernel.Shape[0] == channels && channels != architecture.EmbeddingLength() {
		return Architecture{}, fmt.Errorf("weights are of a network that pools (dense_1/kernel has shape %v), which they don't say how: want a card that does", kernel.Shape)
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
