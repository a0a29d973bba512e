package tfmodel

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	binding "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tensorflow/tensorflow/go/op"

	"siamese/weights"
)

// TestBundleIsWhatTensorFlowWrites, byte for byte, for a network with more
// variables than the index holds between two restarts.
func TestBundleIsWhatTensorFlowWrites(t *testing.T) {
	network := Architecture{Height: 35, Width: 40, Blocks: [][]int{{3, 2}, {4, 5, 6}, {130, 2}, {2}, {3}}, Hidden: 7}
	set, err := Initial(network, 1)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := filepath.Join(t.TempDir(), "variables"), filepath.Join(t.TempDir(), "variables")
	if err := writeBundle(ours, network.Variables(), set); err != nil {
		t.Fatal(err)
	}
	saveByTensorFlow(t, theirs, network.Variables(), set)
	for _, ending := range []string{".index", ".data-00000-of-00001"} {
		got, err := os.ReadFile(ours + ending)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(theirs + ending)
		if err != nil || len(want) == 0 {
			t.Fatalf("TensorFlow's %s: %d bytes, %v", ending, len(want), err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from TensorFlow's: %d bytes, want %d", ending, len(got), len(want))
		}
	}
}

func saveByTensorFlow(t *testing.T, prefix string, variables []Variable, set *weights.Set) {
	t.Helper()
	scope := op.NewScope()
	var names []string
	var values []binding.Output
	for _, variable := range variables {
		tensor, _ := set.Get(variable.Name)
		each := scope.SubScope(variable.Name)
		names = append(names, variable.Name)
		values = append(values, op.Reshape(each, op.Const(each.SubScope("values"), tensor.Data), op.Const(each.SubScope("shape"), int64s(variable.Shape))))
	}
	save := op.SaveV2(scope, op.Const(scope.SubScope("prefix"), prefix), op.Const(scope.SubScope("names"), names),
		op.Const(scope.SubScope("slices"), make([]string, len(names))), values)
	graph, err := scope.Finalize()
	if err != nil {
		t.Fatal(err)
	}
	session, err := binding.NewSession(graph, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Run(nil, nil, []*binding.Operation{save}); err != nil {
		t.Fatal(err)
	}
}
