package weights_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/weights"
	"siamese/weights/internal/hdf5"
)

func readHDF5(file []byte) (*weights.Set, error) {
	return weights.ReadHDF5(bytes.NewReader(file), int64(len(file)))
}

// writeTree returns the tree as a file.
func writeTree(t testing.TB, tree hdf5.Tree) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := hdf5.Write(&file, tree); err != nil {
		t.Fatalf("hdf5.Write() = %v", err)
	}
	return file.Bytes()
}

// TestReadsEveryKeras reads one network in the layouts of all generations.
func TestReadsEveryKeras(t *testing.T) {
	t.Parallel()
	network := tinyTensors()
	tests := []struct {
		giveFile string
		want     []weights.Tensor
	}{
		{"keras1_notop.h5", network[:26]},
		{"keras2_siamese.h5", network},
		{"tfkeras_siamese.h5", network},
		{"tfkeras.weights.h5", network},
		{"keras3_flat.weights.h5", network},
		{"keras3_nested.weights.h5", network},
		{"keras3_model.h5", network},
	}
	for _, tt := range tests {
		t.Run(tt.giveFile, func(t *testing.T) {
			t.Parallel()
			file, err := os.ReadFile(filepath.Join(testdata, tt.giveFile))
			if err != nil {
				t.Fatal(err)
			}
			set, err := readHDF5(file)
			if err != nil {
				t.Fatalf("ReadHDF5() = %v", err)
			}
			if diff := diffTensors(tt.want, set); diff != "" {
				t.Errorf("tensors (-want +got):\n%.2000s", diff)
			}
		})
	}
}

// array returns a dataset of the shape, all zeros.
func array(name string, shape ...int) hdf5.Array {
	n := 1
	for _, dim := range shape {
		n *= dim
	}
	return hdf5.Array{Name: name, Shape: shape, Data: make([]float32, n)}
}

// list returns a string attribute.
func list(name string, values ...string) hdf5.Attribute {
	return hdf5.Attribute{Name: name, Values: values}
}

// keras2File lists the groups under layer_names, each with the arrays that it has.
func keras2File(groups ...hdf5.Tree) hdf5.Tree {
	var names []string
	for i := range groups {
		var weights []string
		for _, a := range groups[i].Arrays {
			weights = append(weights, a.Name)
		}
		names = append(names, groups[i].Name)
		groups[i].Attributes = append(groups[i].Attributes, list("weight_names", weights...))
	}
	return hdf5.Tree{Attributes: []hdf5.Attribute{list("layer_names", names...)}, Groups: groups}
}

// keras1Layer is a layer in Keras 1's layout, of any kernel shape.
func keras1Layer(name string, kernel ...int) hdf5.Tree {
	return hdf5.Tree{Name: name, Arrays: []hdf5.Array{
		array(name+"_W", kernel...), array(name+"_b", kernel[len(kernel)-1]),
	}}
}

// keras3Layer is a layer in Keras 3's layout without its name.
func keras3Layer(name string, kernel ...int) hdf5.Tree {
	vars := hdf5.Tree{Name: "vars", Arrays: []hdf5.Array{array("0", kernel...), array("1", kernel[len(kernel)-1])}}
	return hdf5.Tree{Name: name, Groups: []hdf5.Tree{vars}}
}

func keras3File(layers ...hdf5.Tree) hdf5.Tree {
	return hdf5.Tree{Groups: []hdf5.Tree{{Name: "layers", Groups: layers}}}
}

func TestReadHDF5Refuses(t *testing.T) {
	t.Parallel()
	weightless := hdf5.Tree{Name: "flatten", Attributes: []hdf5.Attribute{list("weight_names")}}
	noVars := hdf5.Tree{Name: "flatten", Groups: []hdf5.Tree{{Name: "vars"}}}
	tests := []struct {
		name string
		give hdf5.Tree
		want error
		text string
	}{
		{"no Keras file", hdf5.Tree{Arrays: []hdf5.Array{array("x", 1)}}, weights.ErrUnsupported, `got members ["x"]`},
		{"no weights", hdf5.Tree{Attributes: []hdf5.Attribute{list("layer_names", "flatten")}, Groups: []hdf5.Tree{weightless}}, weights.ErrUnsupported, "no layer with weights"},
		{"no weights in Keras 3", keras3File(noVars), weights.ErrUnsupported, "no layer with weights"},
		{"listed layer is not there", hdf5.Tree{Attributes: []hdf5.Attribute{list("layer_names", "flatten")}}, weights.ErrCorrupt, `"flatten" in /`},
		{"layer without weight_names", hdf5.Tree{Attributes: []hdf5.Attribute{list("layer_names", "a")}, Groups: []hdf5.Tree{{Name: "a"}}}, weights.ErrCorrupt, "weight_names"},
		{"listed weight is not there", hdf5.Tree{Attributes: []hdf5.Attribute{list("layer_names", "a")}, Groups: []hdf5.Tree{{Name: "a", Attributes: []hdf5.Attribute{list("weight_names", "a/kernel:0")}}}}, weights.ErrCorrupt, `"a" in /a`},
		{"batch normalisation", keras2File(hdf5.Tree{Name: "bn", Arrays: []hdf5.Array{array("bn_gamma_1:0", 4)}}), weights.ErrUnsupported, "bn_gamma"},
		{"no bias", keras2File(hdf5.Tree{Name: "block1_conv1", Arrays: []hdf5.Array{array("block1_conv1_W", 3, 3, 3, 2)}}), weights.ErrUnsupported, "want a kernel and a bias"},
		{"kernel twice", keras2File(hdf5.Tree{Name: "a", Arrays: []hdf5.Array{array("a_W", 3, 3, 3, 2), array("a_W_1:0", 3, 3, 3, 2)}}), weights.ErrCorrupt, "kernel twice"},
		{"kernel of 5x5", keras2File(keras1Layer("block1_conv1", 5, 5, 3, 2)), weights.ErrUnsupported, "[5 5 3 2], want [3 3 in out]"},
		{"kernel of rank 3", keras2File(keras1Layer("block1_conv1", 3, 3, 2)), weights.ErrUnsupported, "[3 3 2]"},
		{"bias of another length", keras2File(hdf5.Tree{Name: "a", Arrays: []hdf5.Array{array("a_W", 3, 3, 3, 2), array("a_b", 3)}}), weights.ErrUnsupported, "bias shape [3], want [2]"},
		{"unnamed convolutions, not 13", keras2File(keras1Layer("conv2d", 3, 3, 3, 2)), weights.ErrUnsupported, `1 layers ["conv2d"], want 13`},
		{"half a head", keras2File(keras1Layer("dense_1", 4, 3)), weights.ErrUnsupported, `1 layers ["dense_1"], want 2`},
		{"VGG16's own head", keras2File(keras1Layer("fc1", 4, 3), keras1Layer("fc2", 3, 3), keras1Layer("predictions", 3, 2)), weights.ErrUnsupported, "3 layers"},
		{"projection that does not fit", keras2File(keras1Layer("projection", 4, 3), keras1Layer("dense_1", 4, 3), keras1Layer("dense_2", 3, 1)), weights.ErrUnsupported, `"projection" gives 3 outputs, want 4`},
		{"projection without a head", keras2File(keras1Layer("projection", 4, 3), keras1Layer("dense_1", 3, 3)), weights.ErrUnsupported, "2 layers"},
		{"head that does not fit", keras2File(keras1Layer("dense", 4, 3), keras1Layer("dense_3", 4, 1)), weights.ErrUnsupported, "takes 4 inputs, want 3"},
		{"named head that does not fit", keras2File(keras1Layer("dense_2", 4, 3), keras1Layer("dense_1", 3, 1)), weights.ErrUnsupported, "gives 1 outputs, want 4"},
		{"three variables", keras3File(hdf5.Tree{Name: "lstm", Groups: []hdf5.Tree{{Name: "vars", Arrays: []hdf5.Array{array("0", 1), array("1", 1), array("2", 1)}}}}), weights.ErrUnsupported, `layers/lstm: unsupported: variables ["0" "1" "2"]`},
		{"order over two lists", keras3File(keras3Layer("dense", 4, 3), hdf5.Tree{Name: "functional", Groups: []hdf5.Tree{{Name: "layers", Groups: []hdf5.Tree{keras3Layer("dense", 3, 1)}}}}), weights.ErrUnsupported, "want one list"},
		{"models without end", nest(20), weights.ErrUnsupported, "deeper than 8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			set, err := readHDF5(writeTree(t, tt.give))
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("ReadHDF5() = %v, %v, want %v with %q", set, err, tt.want, tt.text)
			}
		})
	}
}

// nest returns a Keras 3 file of models within models.
func nest(depth int) hdf5.Tree {
	tree := keras3File()
	for range depth {
		tree.Name = "functional"
		tree = keras3File(tree)
	}
	return tree
}

// TestReadHDF5Names gives heads of one shape under several names and in several orders.
func TestReadHDF5Names(t *testing.T) {
	t.Parallel()
	noise := hdf5.Tree{Name: "dropout", Groups: []hdf5.Tree{{Name: "seed_generator", Groups: []hdf5.Tree{{Name: "vars", Arrays: []hdf5.Array{array("0", 2)}}}}}}
	tests := []struct {
		name string
		give hdf5.Tree
	}{
		{"network's names", keras2File(keras1Layer("dense_1", 4, 3), keras1Layer("dense_2", 3, 1))},
		{"network's names, listed backwards", keras2File(keras1Layer("dense_2", 3, 1), keras1Layer("dense_1", 4, 3))},
		{"tf.keras", keras2File(keras1Layer("dense", 4, 3), keras1Layer("dense_1", 3, 1))},
		{"second network of a process", keras2File(keras1Layer("dense_2", 4, 3), keras1Layer("dense_3", 3, 1))},
		{"Keras 3, numbers above 9", keras3File(keras3Layer("dense_10", 3, 1), keras3Layer("dense_9", 4, 3))},
		{"Keras 3, beside a seed", keras3File(keras3Layer("dense", 4, 3), keras3Layer("dense_1", 3, 1), noise)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := []weights.Tensor{
				{Name: "dense_1/kernel", Shape: []int{4, 3}, Data: make([]float32, 12)},
				{Name: "dense_1/bias", Shape: []int{3}, Data: make([]float32, 3)},
				{Name: "dense_2/kernel", Shape: []int{3, 1}, Data: make([]float32, 3)},
				{Name: "dense_2/bias", Shape: []int{1}, Data: make([]float32, 1)},
			}
			set, err := readHDF5(writeTree(t, tt.give))
			if err != nil {
				t.Fatalf("ReadHDF5() = %v", err)
			}
			if diff := diffTensors(want, set); diff != "" {
				t.Errorf("tensors (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReadHDF5NamesByLayer reads a network made twice in one process, where Keras 2
// counted up the weights' names alone.
func TestReadHDF5NamesByLayer(t *testing.T) {
	t.Parallel()
	inner := hdf5.Tree{Name: "block1_conv1_1", Arrays: []hdf5.Array{array("kernel:0", 3, 3, 3, 2), array("bias:0", 2)}}
	set, err := readHDF5(writeTree(t, hdf5.Tree{
		Attributes: []hdf5.Attribute{list("layer_names", "block1_conv1")},
		Groups: []hdf5.Tree{{
			Name:       "block1_conv1",
			Attributes: []hdf5.Attribute{list("weight_names", "block1_conv1_1/kernel:0", "block1_conv1_1/bias:0")},
			Groups:     []hdf5.Tree{inner},
		}},
	}))
	if err != nil {
		t.Fatalf("ReadHDF5() = %v", err)
	}
	if _, ok := set.Get("block1_conv1/kernel"); !ok || set.Len() != 2 {
		t.Errorf("Names() = %q, want kernel and bias of block1_conv1", set.Names())
	}
}

// FuzzReadHDF5 wants -fuzzminimizetime=20x: its inputs are large, and by default the
// fuzzer spends a minute on making each smaller.
func FuzzReadHDF5(f *testing.F) {
	for _, name := range []string{"keras1_notop.h5", "keras3_nested.weights.h5"} {
		file, err := os.ReadFile(filepath.Join(testdata, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Add(writeTree(f, keras2File(keras1Layer("block1_conv1", 3, 3, 3, 2))))
	f.Add(writeTree(f, keras3File(keras3Layer("dense", 4, 3), keras3Layer("dense_1", 3, 1))))
	f.Fuzz(func(t *testing.T, file []byte) {
		set, err := readHDF5(file)
		if err != nil {
			return
		}
		values := 0
		for tensor := range set.All() {
			values += len(tensor.Data)
		}
		if 4*values > len(file) {
			t.Errorf("%d values from a file of %d bytes, want four bytes for each at least", values, len(file))
		}
	})
}
