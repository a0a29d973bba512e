package weights_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/weights"
	"siamese/weights/internal/hdf5"
)

func writeSiameseKeras(t testing.TB, s *weights.Set) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := weights.WriteSiameseKeras(&file, s); err != nil {
		t.Fatalf("WriteSiameseKeras() = %v", err)
	}
	return file.Bytes()
}

func TestSiameseKerasRoundTrip(t *testing.T) {
	t.Parallel()
	want := tinyTensors()
	shuffled := slices.Clone(want)
	slices.Reverse(shuffled)
	file := writeSiameseKeras(t, newSet(t, shuffled...))
	if !bytes.Equal(file, writeSiameseKeras(t, newSet(t, want...))) {
		t.Error("WriteSiameseKeras() gave different bytes for another order, want the same")
	}
	set, err := readHDF5(file)
	if err != nil {
		t.Fatalf("ReadHDF5() = %v", err)
	}
	if diff := diffTensors(want, set); diff != "" {
		t.Errorf("tensors (-want +got):\n%.2000s", diff)
	}
}

// projectedTensors are those of a pooled network with a projection from 4 to 5 values.
func projectedTensors() []weights.Tensor {
	projection := []weights.Tensor{
		{Name: "projection/kernel", Shape: []int{4, 5}, Data: make([]float32, 20)},
		{Name: "projection/bias", Shape: []int{5}, Data: []float32{1, 2, 3, 4, 5}},
	}
	all := slices.Insert(tinyTensors(), 26, projection...)
	all[28].Shape, all[28].Data = []int{5, 3}, make([]float32, 15) // dense_1/kernel
	return all
}

// TestSiameseKerasTakesAProjection: it is a layer like any other, in its place before
// the head.
func TestSiameseKerasTakesAProjection(t *testing.T) {
	t.Parallel()
	want := projectedTensors()
	file := writeSiameseKeras(t, newSet(t, want...))
	set, err := readHDF5(file)
	if err != nil {
		t.Fatalf("ReadHDF5() = %v", err)
	}
	if diff := diffTensors(want, set); diff != "" {
		t.Errorf("tensors (-want +got):\n%.2000s", diff)
	}
	root, err := hdf5.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	layers, err := root.Strings("layer_names")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"flatten", "projection", "lambda_1", "dense_1", "dense_2"}, layers[len(layers)-5:]); diff != "" {
		t.Errorf("last layers (-want +got):\n%s", diff)
	}
	want[28].Shape = []int{3, 5}
	if err := weights.WriteSiameseKeras(&bytes.Buffer{}, newSet(t, want...)); !errors.Is(err, weights.ErrInvalid) {
		t.Errorf("WriteSiameseKeras() of a head that does not fit the projection = %v, want %v", err, weights.ErrInvalid)
	}
}

// TestSiameseKerasLayout checks what Keras' load_weights looks at.
func TestSiameseKerasLayout(t *testing.T) {
	t.Parallel()
	file := writeSiameseKeras(t, newSet(t, tinyTensors()...))
	root, err := hdf5.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatalf("Open() = %v", err)
	}
	layers := []string{
		"input_1", "input_2", "block1_conv1", "block1_conv2", "block1_pool", "block2_conv1", "block2_conv2", "block2_pool",
		"block3_conv1", "block3_conv2", "block3_conv3", "block3_pool", "block4_conv1", "block4_conv2", "block4_conv3", "block4_pool",
		"block5_conv1", "block5_conv2", "block5_conv3", "block5_pool", "flatten", "lambda_1", "dense_1", "dense_2",
	}
	tests := []struct {
		group, attribute string
		want             []string
	}{
		{"", "layer_names", layers},
		{"", "backend", []string{"tensorflow"}},
		{"", "keras_version", []string{"2.1.5"}},
		{"block4_conv2", "weight_names", []string{"block4_conv2/kernel:0", "block4_conv2/bias:0"}},
		{"dense_2", "weight_names", []string{"dense_2/kernel:0", "dense_2/bias:0"}},
		{"lambda_1", "weight_names", nil},
	}
	for _, tt := range tests {
		group := root
		if tt.group != "" {
			if group, err = root.Group(tt.group); err != nil {
				t.Fatalf("Group(%q) = %v", tt.group, err)
			}
		}
		got, err := group.Strings(tt.attribute)
		if err != nil {
			t.Fatalf("%q: Strings(%q) = %v", tt.group, tt.attribute, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: Strings(%q) (-want +got):\n%s", tt.group, tt.attribute, diff)
		}
	}
	slices.Sort(layers)
	if diff := cmp.Diff(layers, root.Members()); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	kernel, err := root.Dataset("block4_conv2/block4_conv2/kernel:0")
	if err != nil {
		t.Fatalf("Dataset() = %v", err)
	}
	if diff := cmp.Diff([]int{3, 3, 3, 3}, kernel.Shape()); diff != "" {
		t.Errorf("kernel's shape (-want +got):\n%s", diff)
	}
}

func TestWriteSiameseKerasRefuses(t *testing.T) {
	t.Parallel()
	const dense1Kernel = 26
	tests := []struct {
		name   string
		change func([]weights.Tensor) []weights.Tensor
		want   string
	}{
		{"no head", func(w []weights.Tensor) []weights.Tensor { return w[:dense1Kernel] }, `layer "dense_1"`},
		{"no bias", func(w []weights.Tensor) []weights.Tensor { return slices.Delete(w, 1, 2) }, `no bias of layer "block1_conv1"`},
		{"one tensor more", func(w []weights.Tensor) []weights.Tensor {
			return append(w, weights.Tensor{Name: "step", Data: []float32{1}})
		}, "31 tensors"},
		{"dense convolution", func(w []weights.Tensor) []weights.Tensor {
			w[0].Shape = []int{27, 2}
			return w
		}, "shape [27 2]"},
		{"kernel of 1x9", func(w []weights.Tensor) []weights.Tensor {
			w[0].Shape = []int{1, 9, 3, 2}
			return w
		}, "shape [1 9 3 2]"},
		{"layers that do not fit", func(w []weights.Tensor) []weights.Tensor {
			w[2].Shape = []int{3, 3, 4, 1}
			return w
		}, "takes 4 inputs, want 2"},
		{"head that does not fit", func(w []weights.Tensor) []weights.Tensor {
			w[dense1Kernel].Shape = []int{3, 4}
			return w
		}, "takes 3 inputs, want 4"},
		{"bias of another rank", func(w []weights.Tensor) []weights.Tensor {
			w[1].Shape = []int{1, 2}
			return w
		}, "shape [1 2], want [2]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var file bytes.Buffer
			err := weights.WriteSiameseKeras(&file, newSet(t, tt.change(tinyTensors())...))
			if !errors.Is(err, weights.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("WriteSiameseKeras() = %v, want %v with %q", err, weights.ErrInvalid, tt.want)
			}
			if file.Len() > 0 {
				t.Errorf("WriteSiameseKeras() wrote %d bytes, want none", file.Len())
			}
		})
	}
}
