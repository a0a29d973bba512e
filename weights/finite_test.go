package weights_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"siamese/weights"
)

var notFinite = map[string]float32{
	"NaN": float32(math.NaN()), "+Inf": float32(math.Inf(1)), "-Inf": float32(math.Inf(-1)),
}

func TestCheckFinite(t *testing.T) {
	t.Parallel()
	largest := newSet(t, weights.Tensor{Name: "x", Shape: []int{3}, Data: []float32{math.MaxFloat32, -math.MaxFloat32, 0}})
	if err := largest.CheckFinite(); err != nil {
		t.Errorf("CheckFinite of the largest numbers = %v, want nil", err)
	}
	for name, value := range notFinite {
		set := newSet(t, weights.Tensor{Name: "a", Shape: []int{1}, Data: []float32{1}}, weights.Tensor{Name: "b", Shape: []int{2, 2}, Data: []float32{1, 2, value, 3}})
		err := set.CheckFinite()
		want := `value 2 of tensor "b", of shape [2 2], is ` + name
		if !errors.Is(err, weights.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("CheckFinite = %v, want ErrInvalid with %q", err, want)
		}
	}
}

// TestWritersRefuseWhatIsNotFinite: before a byte is written.
func TestWritersRefuseWhatIsNotFinite(t *testing.T) {
	t.Parallel()
	for name, value := range notFinite {
		set := networkWith(t, value)
		writers := map[string]func(io.Writer) error{
			"safetensors": func(w io.Writer) error { return weights.WriteSafetensors(w, set, weights.Float32, nil) },
			"float16":     func(w io.Writer) error { return weights.WriteSafetensors(w, set, weights.Float16, nil) },
			"Keras":       func(w io.Writer) error { return weights.WriteSiameseKeras(w, set) },
		}
		for format, write := range writers {
			var file bytes.Buffer
			err := write(&file)
			want := `of tensor "dense_1/kernel", of shape`
			if !errors.Is(err, weights.ErrInvalid) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) || file.Len() > 0 {
				t.Errorf("writing %s as %s = %v after %d bytes, want ErrInvalid with %q after none", name, format, err, file.Len(), want)
			}
		}
	}
}

// TestReadersRefuseWhatIsNotFinite puts the value's bytes into sound files of all
// formats and number types.
func TestReadersRefuseWhatIsNotFinite(t *testing.T) {
	t.Parallel()
	const mark = 12345.5 // in all files once
	sound := networkWith(t, mark)
	var safetensors, keras bytes.Buffer
	if err := errors.Join(weights.WriteSafetensors(&safetensors, sound, weights.Float32, nil), weights.WriteSiameseKeras(&keras, sound)); err != nil {
		t.Fatal(err)
	}
	float32s := func(v float32) []byte { return binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)) }
	for name, value := range notFinite {
		files := map[string][]byte{
			"safetensors": bytes.Replace(safetensors.Bytes(), float32s(mark), float32s(value), 1),
			"Keras":       bytes.Replace(keras.Bytes(), float32s(mark), float32s(value), 1),
			"float16":     halfFile("F16", []uint16{1, 0x7c00 | uint16(len(name)&1)}),
			"bfloat16":    halfFile("BF16", []uint16{1, uint16(math.Float32bits(value) >> 16)}),
		}
		for format, file := range files {
			_, _, err := weights.ReadSafetensors(bytes.NewReader(file), int64(len(file)))
			if format == "Keras" {
				_, err = weights.ReadHDF5(bytes.NewReader(file), int64(len(file)))
			}
			if !errors.Is(err, weights.ErrCorrupt) || !strings.Contains(err.Error(), "want a finite number") {
				t.Errorf("reading %s in %s = %v, want ErrCorrupt about a finite number", name, format, err)
			}
		}
	}
}

// networkWith is a small network of the 15 layers that has the value once, in the
// middle of dense_1's kernel.
func networkWith(t *testing.T, value float32) *weights.Set {
	t.Helper()
	tensors := tinyTensors()
	kernel := &tensors[slices.IndexFunc(tensors, func(tensor weights.Tensor) bool { return tensor.Name == "dense_1/kernel" })]
	kernel.Data[len(kernel.Data)/2] = value
	return newSet(t, tensors...)
}
