package weights_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/weights"
)

const testdata = "../testdata/weights"

// layerShape is a weighted layer of the tiny network in testdata.
type layerShape struct {
	name   string
	kernel []int
}

// tinyLayers are the layers of the network in testdata; scripts/keras_weight_files.py
// makes it by the same rule.
func tinyLayers() []layerShape {
	conv := func(in, out int) []int { return []int{3, 3, in, out} }
	return []layerShape{
		{"block1_conv1", conv(3, 2)}, {"block1_conv2", conv(2, 2)},
		{"block2_conv1", conv(2, 2)}, {"block2_conv2", conv(2, 2)},
		{"block3_conv1", conv(2, 3)}, {"block3_conv2", conv(3, 3)}, {"block3_conv3", conv(3, 3)},
		{"block4_conv1", conv(3, 3)}, {"block4_conv2", conv(3, 3)}, {"block4_conv3", conv(3, 3)},
		{"block5_conv1", conv(3, 4)}, {"block5_conv2", conv(4, 4)}, {"block5_conv3", conv(4, 4)},
		{"dense_1", []int{4, 3}}, {"dense_2", []int{3, 1}},
	}
}

// tinyTensors are the tensors of the network in testdata, in network order. Element i of
// tensor t is ((7 i + 13 t) mod 31 - 15) / 16.
func tinyTensors() []weights.Tensor {
	var tensors []weights.Tensor
	add := func(name string, shape []int) {
		n := 1
		for _, dim := range shape {
			n *= dim
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32((7*i+13*len(tensors))%31-15) / 16
		}
		tensors = append(tensors, weights.Tensor{Name: name, Shape: shape, Data: values})
	}
	for _, l := range tinyLayers() {
		add(l.name+"/kernel", l.kernel)
		add(l.name+"/bias", l.kernel[len(l.kernel)-1:])
	}
	return tensors
}

// newSet makes a Set or ends the test.
func newSet(t testing.TB, tensors ...weights.Tensor) *weights.Set {
	t.Helper()
	set, err := weights.New(tensors...)
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	return set
}

// diffTensors compares a Set with the tensors wanted, order included.
func diffTensors(want []weights.Tensor, got *weights.Set) string {
	return cmp.Diff(want, slices.Collect(got.All()))
}
